package record

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// events writes a TensorBoard event file: TFRecords of Event messages
// (tensorflow/core/util/event.proto and framework/summary.proto).
type events struct{ file *os.File }

type scalar struct {
	tag   string
	value float64
}

func newEvents(dir string) (*events, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("events.out.tfevents.%d.stepwise", time.Now().Unix())
	file, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	e := &events{file}
	const fileVersion = 3
	version := protowire.AppendTag(event(0), fileVersion, protowire.BytesType)
	return e, e.record(protowire.AppendString(version, "brain.Event:2"))
}

// scalars writes one event with a simple value a scalar.
func (e *events) scalars(step int, values []scalar) error {
	const summary, value, tag, simpleValue = 5, 1, 1, 2
	var s []byte
	for _, v := range values {
		m := protowire.AppendTag(nil, tag, protowire.BytesType)
		m = protowire.AppendString(m, v.tag)
		m = protowire.AppendTag(m, simpleValue, protowire.Fixed32Type)
		m = protowire.AppendFixed32(m, math.Float32bits(float32(v.value)))
		s = protowire.AppendTag(s, value, protowire.BytesType)
		s = protowire.AppendBytes(s, m)
	}
	m := protowire.AppendTag(event(step), summary, protowire.BytesType)
	return e.record(protowire.AppendBytes(m, s))
}

// event is an Event message with its wall time and step.
func event(step int) []byte {
	const wallTime, stepField = 1, 2
	m := protowire.AppendTag(nil, wallTime, protowire.Fixed64Type)
	m = protowire.AppendFixed64(m, math.Float64bits(float64(time.Now().UnixMicro())/1e6))
	m = protowire.AppendTag(m, stepField, protowire.VarintType)
	return protowire.AppendVarint(m, uint64(step))
}

// record writes length, masked CRC of the length, data, masked CRC of the data.
func (e *events) record(data []byte) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(b))
	b = append(b, data...)
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(data))
	_, err := e.file.Write(b)
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedCRC is TFRecord's: a CRC32C rotated and shifted, so that the CRC of
// data with CRCs in it stays sound.
func maskedCRC(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

func (e *events) close() error { return e.file.Close() }
