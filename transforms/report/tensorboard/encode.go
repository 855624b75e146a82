package tensorboard

import (
	"bytes"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// The field numbers of event.proto and summary.proto that are in use.
const (
	eventWallTime    = 1
	eventStep        = 2
	eventFileVersion = 3
	eventSummary     = 5
	eventSessionLog  = 7

	sessionStatus = 1
	sessionStart  = 1 // SessionLog.START

	summaryValue = 1

	valueTag    = 1
	valueSimple = 2
	valueImage  = 4
	valueTensor = 8
	valueMeta   = 9

	imageHeight     = 1
	imageWidth      = 2
	imageColorspace = 3
	imageEncoded    = 4

	tensorType   = 1
	tensorString = 7 // DT_STRING
	tensorShape  = 2
	tensorTexts  = 8

	metaPlugin = 1
	pluginName = 1
	metaClass  = 4
	metaTensor = 2 // DATA_CLASS_TENSOR
)

// rgb is the number of channels that an image message states. TensorBoard reads
// the file itself.
const rgb = 3

var pngSignature = []byte("\x89PNG\r\n\x1a\n")

// Encode returns the Event message, without the framing of a record. It returns
// an error for a value that TensorBoard could not read: an empty tag or one that
// is not UTF-8, a text that is not, an image that is not PNG or has no size, the kind Other.
func (e Event) Encode() ([]byte, error) {
	b := appendDouble(nil, eventWallTime, e.Seconds)
	if e.Step != 0 {
		b = appendVarint(b, eventStep, uint64(e.Step))
	}
	if e.FileVersion != "" {
		b = appendBytes(b, eventFileVersion, []byte(e.FileVersion))
	}
	if len(e.Values) > 0 {
		var summary []byte
		for _, v := range e.Values {
			message, err := v.encode()
			if err != nil {
				return nil, fmt.Errorf("tensorboard: encode %q of step %d: %w", v.Tag, e.Step, err)
			}
			summary = appendBytes(summary, summaryValue, message)
		}
		b = appendBytes(b, eventSummary, summary)
	}
	if e.Restart {
		b = appendBytes(b, eventSessionLog, appendVarint(nil, sessionStatus, sessionStart))
	}
	return b, nil
}

func (v Value) encode() ([]byte, error) {
	if v.Tag == "" || !utf8.ValidString(v.Tag) {
		return nil, fmt.Errorf("tag is empty or not UTF-8")
	}
	b := appendBytes(nil, valueTag, []byte(v.Tag))
	switch v.Kind {
	case ScalarKind:
		b = protowire.AppendTag(b, valueSimple, protowire.Fixed32Type)
		return protowire.AppendFixed32(b, math.Float32bits(v.Number)), nil
	case ImageKind:
		if v.Width < 1 || v.Height < 1 || v.Width > math.MaxInt32 || v.Height > math.MaxInt32 {
			return nil, fmt.Errorf("image of %dx%d", v.Width, v.Height)
		}
		if !bytes.HasPrefix(v.PNG, pngSignature) {
			return nil, fmt.Errorf("image of %d bytes is not PNG", len(v.PNG))
		}
		m := appendVarint(nil, imageHeight, uint64(v.Height))
		m = appendVarint(m, imageWidth, uint64(v.Width))
		m = appendVarint(m, imageColorspace, rgb)
		return appendBytes(b, valueImage, appendBytes(m, imageEncoded, v.PNG)), nil
	case TextKind:
		if !utf8.ValidString(v.Text) {
			return nil, fmt.Errorf("text of %d bytes is not UTF-8", len(v.Text))
		}
		m := appendVarint(nil, tensorType, tensorString)
		m = appendBytes(m, tensorShape, nil) // a scalar
		b = appendBytes(b, valueTensor, appendBytes(m, tensorTexts, []byte(v.Text)))
		m = appendBytes(nil, metaPlugin, appendBytes(nil, pluginName, []byte("text")))
		return appendBytes(b, valueMeta, appendVarint(m, metaClass, metaTensor)), nil
	}
	return nil, fmt.Errorf("kind %d cannot be written", v.Kind)
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendDouble(b []byte, field protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(v))
}
