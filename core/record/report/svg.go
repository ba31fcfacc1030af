package report

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"regexp"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Colours stand for variables of page.css, so that one drawing serves the light
// and the dark page.
var (
	inkColor  = color.NRGBA{R: 1, A: 255}
	gridColor = color.NRGBA{R: 2, A: 255}
)

// palette is how many colours page.css has for lines.
const palette = 8

// lineColor is the colour of the i-th line; pale is for what lies behind it.
func lineColor(i int, pale bool) color.Color {
	c := color.NRGBA{R: 3, G: uint8(i % palette), A: 255}
	if pale {
		c.B = 1
	}
	return c
}

// variables turns the stand-ins into variables.
var variables = func() *strings.Replacer {
	pairs := []string{hexColor(inkColor), "var(--muted)", hexColor(gridColor), "var(--grid)"}
	for i := range palette {
		name := fmt.Sprintf("var(--line%d)", i)
		pairs = append(pairs, hexColor(lineColor(i, false)), name, hexColor(lineColor(i, true)), name+";stroke-opacity:.28")
	}
	return strings.NewReplacer(pairs...)
}()

func hexColor(c color.Color) string {
	n := c.(color.NRGBA)
	return fmt.Sprintf("#%02X%02X%02X", n.R, n.G, n.B)
}

var (
	svgStart = regexp.MustCompile(`(?s)^.*?<svg[^>]*>`)
	svgFont  = regexp.MustCompile(`font-family:[^;"]*;font-variant:[^;"]*;font-weight:[^;"]*;font-style:[^;"]*;`)
)

// svg draws the plot as an element for the page's body, in the page's font and
// colours. title is for who cannot see it.
func svg(p *plot.Plot, width, height vg.Length, title string) (template.HTML, error) {
	canvas := vgsvg.New(width, height)
	// The last label of the axis reaches over its end.
	p.Draw(draw.Crop(draw.New(canvas), 0, -vg.Points(10), 0, -vg.Points(4)))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("chart %q: %w", title, err)
	}
	start := fmt.Sprintf(`<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`,
		width.Points(), height.Points(), template.HTMLEscapeString(title))
	text := svgStart.ReplaceAllLiteralString(out.String(), start)
	text = svgFont.ReplaceAllLiteralString(text, "")
	return template.HTML(variables.Replace(text)), nil
}
