package preference

import (
	"errors"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/chat"
)

// parseJSON parses a row as the format called name, recognised where name is
// empty.
func parseJSON(t testing.TB, name, raw string, t2 target) (example, string, error) {
	t.Helper()
	v, err := row{place: place{"line", 1}, json: []byte(raw)}.decode()
	if err != nil {
		t.Fatal(err)
	}
	f, err := findFormat(name, v)
	if err != nil {
		return nil, "", err
	}
	x, err := f.parse(v, t2)
	return x, f.name, err
}

// flat writes an example on one line: text quoted by |, messages as role:content.
func flat(x example) string {
	turns := func(messages []message) string {
		var parts []string
		for _, m := range messages {
			f := fields{m}
			role, _ := f.text("role")
			parts = append(parts, role+":"+contentText(f.get("content")))
		}
		return strings.Join(parts, ",")
	}
	switch x := x.(type) {
	case plain:
		return x.prompt + "|" + x.chosen + "|" + x.rejected
	case conversation:
		return turns(x.prompt) + " > " + turns(x.chosen) + " > " + turns(x.rejected)
	}
	return ""
}

func TestFormats(t *testing.T) {
	withChat, without := target{chat: true, vocabulary: 100}, target{vocabulary: 100}
	for _, c := range []struct {
		name, format, row string
		target            target
		want              string
	}{
		{"explicit text", "trl", `{"prompt":"p","chosen":"c","rejected":"r"}`, withChat, "p|c|r"},
		{"implicit text", "trl", `{"chosen":"a b c","rejected":"a b d"}`, withChat, "a b| c| d"},
		{"implicit text, no space", "trl", `{"chosen":"abc","rejected":"abd"}`, without, "ab|c|d"},
		{"implicit text, one the beginning of the other", "trl", `{"chosen":"abc","rejected":"abcd"}`, without, "ab|c|cd"},
		{"implicit text, equal", "trl", `{"chosen":"abc","rejected":"abc"}`, without, "ab|c|c"},
		{"implicit text, nothing shared", "trl", `{"chosen":"abc","rejected":"xyz"}`, without, "|abc|xyz"},
		{"null prompt", "trl", `{"prompt":null,"chosen":"ab","rejected":"ac"}`, without, "a|b|c"},
		{"messages", "trl", `{"prompt":[{"role":"user","content":"q"}],"chosen":[{"role":"assistant","content":"c"}],"rejected":[{"role":"assistant","content":"r"}]}`, withChat, "user:q > assistant:c > assistant:r"},
		{"implicit messages", "trl", `{"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"c"}],"rejected":[{"content":"q","role":"user"},{"role":"assistant","content":"r"}]}`, withChat, "user:q > assistant:c > assistant:r"},
		{"equal messages", "trl", `{"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"c"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"c"}]}`, withChat, "user:q > assistant:c > assistant:c"},
		{"text prompt beside messages", "trl", `{"prompt":"q","chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"c"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"r"}]}`, withChat, "user:q > assistant:c > assistant:r"},
		{"ultrafeedback", "ultrafeedback", `{"prompt":"p","chosen":"c","rejected":"r","source_index":1,"metadata":{}}`, withChat, "user:p > assistant:c > assistant:r"},
		{"ultrafeedback without template", "ultrafeedback", `{"prompt":"p","chosen":"c","rejected":"r","source_index":1,"metadata":{}}`, without, "p|c|r"},
		{"orca's messages", "orca", `{"input":{"messages":[{"role":"system","content":"s"},{"role":"user","content":"q"}]},"preferred_output":[{"role":"assistant","content":"c"}],"non_preferred_output":[{"role":"assistant","content":"r"}]}`, withChat, "system:s,user:q > assistant:c > assistant:r"},
		{"orca's strings", "orca", `{"system":"s","question":"q","chosen":"c","rejected":"r"}`, withChat, "system:s,user:q > assistant:c > assistant:r"},
		{"orca's empty system", "orca", `{"system":"","question":"q","chosen":"c","rejected":"r"}`, withChat, "user:q > assistant:c > assistant:r"},
		{"orca's strings without template", "orca", `{"system":"s","question":"q","chosen":"c","rejected":"r"}`, without, "s\n\nq|c|r"},
		{"hh-rlhf", "hh-rlhf", `{"chosen":"\n\nHuman: q\n\nAssistant: a\n\nHuman: q2\n\nAssistant: c","rejected":"\n\nHuman: q\n\nAssistant: a\n\nHuman: q2\n\nAssistant: r"}`, withChat, "user:q,assistant:a,user:q2 > assistant:c > assistant:r"},
		{"hh-rlhf without template", "hh-rlhf", `{"chosen":"\n\nHuman: q\n\nAssistant: c","rejected":"\n\nHuman: q\n\nAssistant: r"}`, without, "\n\nHuman: q\n\nAssistant:| c| r"},
		{"hh-rlhf, parting early", "hh-rlhf", `{"chosen":"\n\nHuman: q\n\nAssistant: c\n\nHuman: x\n\nAssistant: y","rejected":"\n\nHuman: q\n\nAssistant: r"}`, withChat, "user:q > assistant:c,user:x,assistant:y > assistant:r"},
		{"llama-factory", "llama-factory", `{"conversations":[{"from":"system","value":"s"},{"from":"human","value":"q"}],"chosen":{"from":"gpt","value":"c"},"rejected":{"from":"gpt","value":"r"}}`, withChat, "system:s,user:q > assistant:c > assistant:r"},
		{"llama-factory's system", "llama-factory", `{"system":"s","tools":"","conversations":[{"from":"human","value":"q"}],"chosen":{"from":"gpt","value":"c"},"rejected":{"from":"gpt","value":"r"}}`, withChat, "system:s,user:q > assistant:c > assistant:r"},
		{"llama-factory's empty system", "llama-factory", `{"system":"","conversations":[{"from":"human","value":"q"}],"chosen":{"from":"gpt","value":"c"},"rejected":{"from":"gpt","value":"r"}}`, withChat, "user:q > assistant:c > assistant:r"},
		{"llama-factory's empty system among the turns", "llama-factory", `{"system":"t","conversations":[{"from":"system","value":""},{"from":"human","value":"q"}],"chosen":{"from":"gpt","value":"c"},"rejected":{"from":"gpt","value":"r"}}`, withChat, "user:q > assistant:c > assistant:r"},
		{"llama-factory's two systems", "llama-factory", `{"system":"t","conversations":[{"from":"system","value":"s"},{"from":"human","value":"q"}],"chosen":{"from":"gpt","value":"c"},"rejected":{"from":"gpt","value":"r"}}`, withChat, "system:s,user:q > assistant:c > assistant:r"},
		{"messages beside a question", "trl", `{"question":"q","chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"c"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"r"}]}`, withChat, "user:q > assistant:c > assistant:r"},
		{"messages beside conversations", "trl", `{"conversations":[{"from":"human","value":"q"}],"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"c"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"r"}]}`, withChat, "user:q > assistant:c > assistant:r"},
		{"pandalm", "pandalm", `{"instruction":"i","input":"x","response1":"c","response2":"r","annotator1":1,"annotator2":2,"annotator3":1}`, withChat, "user:i\nx > assistant:c > assistant:r"},
		{"pandalm, second preferred, a boolean", "pandalm", `{"instruction":"i","input":"","response1":"r","response2":true,"annotator1":2,"annotator2":2,"annotator3":0}`, withChat, "user:i > assistant:True > assistant:r"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, format, err := parseJSON(t, "", c.row, c.target)
			if err != nil {
				t.Fatal(err)
			}
			if got := flat(x); got != c.want || format != c.format {
				t.Errorf("%s: %q, want %s: %q", format, got, c.format, c.want)
			}
		})
	}
}

func TestFormatIDs(t *testing.T) {
	x, _, err := parseJSON(t, "", `{"prompt_ids":[1,2],"chosen_ids":[3],"rejected_ids":[99,0]}`, target{vocabulary: 100})
	got, ok := x.(tokens)
	if err != nil || !ok || len(got.prompt) != 2 || got.chosen[0] != 3 || got.rejected[0] != 99 {
		t.Errorf("%+v, %v", x, err)
	}
}

func TestFormatTemplateFields(t *testing.T) {
	x, _, err := parseJSON(t, "", `{"prompt":[{"role":"user","content":"q"}],"chosen":[{"role":"assistant","content":"c"}],"rejected":[{"role":"assistant","content":"r"}],"tools":"[{\"name\":\"f\"}]","chat_template_kwargs":{"enable_thinking":false}}`, target{chat: true})
	c, ok := x.(conversation)
	if err != nil || !ok {
		t.Fatal(err)
	}
	if tools, ok := c.tools.(*chat.List); !ok || len(tools.Items) != 1 || c.extra["enable_thinking"] != false {
		t.Errorf("tools %v, extra %v", c.tools, c.extra)
	}
}

func TestFormatVotes(t *testing.T) {
	for votes, want := range map[string]error{"0,0,1": errTie, "0,1,2": errTie, "0,0,0": errTie, "1,1,0": nil, "2,1,2": nil} {
		v := strings.Split(votes, ",")
		raw := `{"instruction":"i","input":"","response1":"a","response2":"b","annotator1":` + v[0] + `,"annotator2":` + v[1] + `,"annotator3":` + v[2] + `}`
		if _, _, err := parseJSON(t, "pandalm", raw, target{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", votes, err, want)
		}
	}
}

func TestFormatErrors(t *testing.T) {
	for _, c := range []struct{ format, row, want string }{
		{"", `{"text":"x","label":1}`, "no known format of preference data has the fields text, label"},
		{"nope", `{}`, `unknown format "nope"; formats are: ids, orca`},
		{"trl", `{"prompt":"p","chosen":"c"}`, `field "rejected" is missing or null; the fields are: prompt, chosen`},
		{"trl", `{"prompt":"p","chosen":1,"rejected":"r"}`, `field "chosen" is a number, not a string`},
		{"trl", `{"prompt":"p","chosen":[{"role":"user","content":"x"}],"rejected":"r"}`, `field "rejected" is a string, not a list of messages`},
		{"trl", `{"chosen":[],"rejected":[]}`, `field "chosen" is an empty list`},
		{"trl", `{"chosen":[{"content":"x"}],"rejected":[{"role":"a","content":"x"}]}`, `field "chosen": message 1: field "role" is missing`},
		{"trl", `{"chosen":[{"role":"user"}],"rejected":[{"role":"a","content":"x"}]}`, `field "chosen": message 1: field "content" is missing`},
		{"trl", `{"chosen":["x"],"rejected":["y"]}`, `field "chosen": message 1 is a string, not an object`},
		{"trl", `{"chosen":[{"role":"user","content":"a"}],"rejected":[{"role":"user","content":"b"}]}`, "share no prompt"},
		{"ids", `{"prompt_ids":[1],"chosen_ids":[100],"rejected_ids":[2]}`, `field "chosen_ids": id 100 is outside the model's vocabulary of 100`},
		{"ids", `{"prompt_ids":[1],"chosen_ids":[-1],"rejected_ids":[2]}`, `field "chosen_ids": element 1 is -1, not a token id`},
		{"ids", `{"prompt_ids":[1.5],"chosen_ids":[1],"rejected_ids":[2]}`, `field "prompt_ids": element 1 is 1.5, not a token id`},
		{"ids", `{"prompt_ids":"1 2","chosen_ids":[1],"rejected_ids":[2]}`, `field "prompt_ids" is a string, not a list of token ids`},
		{"pandalm", `{"instruction":"i","input":"","response1":"a","response2":"b","annotator1":3,"annotator2":1,"annotator3":1}`, `field "annotator1" is 3, not a vote`},
		{"llama-factory", `{"conversations":[{"from":"alien","value":"q"}],"chosen":{"from":"gpt","value":"c"},"rejected":{"from":"gpt","value":"r"}}`, `field "conversations": message 1: field "from" is "alien"`},
		{"hh-rlhf", `{"chosen":"Human: x","rejected":"\n\nHuman: y"}`, `field "chosen" does not begin with "\n\nHuman:"`},
		{"orca", `{"input":{"messages":"x"},"preferred_output":[],"non_preferred_output":[]}`, `field "input": field "messages" is a string`},
	} {
		_, _, err := parseJSON(t, c.format, c.row, target{chat: true, vocabulary: 100})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.row, err, c.want)
		}
	}
}
