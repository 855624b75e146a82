package tensorboardtest

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"semidavil/transforms/report/tensorboard"
)

// The field numbers of event.proto and summary.proto that are read, written
// down a second time so that a slip of the writer shows.
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

	imageHeight  = 1
	imageWidth   = 2
	imageEncoded = 4

	tensorTexts = 8
	metaPlugin  = 1
	pluginName  = 1
)

// field is one field of a message; the part that its type has is set.
type field struct {
	number   protowire.Number
	kind     protowire.Type
	number64 uint64 // varint, fixed32, fixed64
	bytes    []byte
}

// fields calls f for every field of a message, groups left out.
func fields(message []byte, f func(field) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		d := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			d.number64, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			d.number64, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message)
			d.number64 = uint64(v)
		case protowire.BytesType:
			d.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return fmt.Errorf("field %d: %w", number, protowire.ParseError(n))
		}
		if err := f(d); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}

// is reports whether the field is the one of a number and a type; a field of
// another type than the schema's is unknown and skipped, as protobuf does it.
func (d field) is(number protowire.Number, kind protowire.Type) bool {
	return d.number == number && d.kind == kind
}

// Decode reads an Event message. Fields and values that this package does not
// know are skipped, values with the kind Other. Values share the memory of data.
func Decode(data []byte) (tensorboard.Event, error) {
	var e tensorboard.Event
	err := fields(data, func(d field) error {
		switch {
		case d.is(eventWallTime, protowire.Fixed64Type):
			e.Seconds = math.Float64frombits(d.number64)
		case d.is(eventStep, protowire.VarintType):
			e.Step = int64(d.number64)
		case d.is(eventFileVersion, protowire.BytesType):
			e.FileVersion = string(d.bytes)
		case d.is(eventSessionLog, protowire.BytesType):
			return fields(d.bytes, func(d field) error {
				if d.is(sessionStatus, protowire.VarintType) {
					e.Restart = d.number64 == sessionStart
				}
				return nil
			})
		case d.is(eventSummary, protowire.BytesType):
			return fields(d.bytes, func(d field) error {
				if !d.is(summaryValue, protowire.BytesType) {
					return nil
				}
				v, err := decodeValue(d.bytes)
				e.Values = append(e.Values, v)
				return err
			})
		}
		return nil
	})
	if err != nil {
		return tensorboard.Event{}, fmt.Errorf("tensorboard: decode event: %w", err)
	}
	return e, nil
}

func decodeValue(message []byte) (tensorboard.Value, error) {
	var v tensorboard.Value // of all kinds that the message has
	text := ""
	err := fields(message, func(d field) error {
		switch {
		case d.is(valueTag, protowire.BytesType):
			v.Tag = string(d.bytes)
		case d.is(valueSimple, protowire.Fixed32Type):
			v.Kind, v.Number = tensorboard.ScalarKind, math.Float32frombits(uint32(d.number64))
		case d.is(valueTensor, protowire.BytesType):
			return fields(d.bytes, func(d field) error {
				if d.is(tensorTexts, protowire.BytesType) {
					text = string(d.bytes)
				}
				return nil
			})
		case d.is(valueMeta, protowire.BytesType):
			return fields(d.bytes, func(d field) error {
				if !d.is(metaPlugin, protowire.BytesType) {
					return nil
				}
				return fields(d.bytes, func(d field) error {
					if d.is(pluginName, protowire.BytesType) && string(d.bytes) == "text" {
						v.Kind = tensorboard.TextKind
					}
					return nil
				})
			})
		case d.is(valueImage, protowire.BytesType):
			v.Kind = tensorboard.ImageKind
			return fields(d.bytes, func(d field) error {
				switch {
				case d.is(imageHeight, protowire.VarintType):
					v.Height = int(int32(d.number64))
				case d.is(imageWidth, protowire.VarintType):
					v.Width = int(int32(d.number64))
				case d.is(imageEncoded, protowire.BytesType):
					v.PNG = d.bytes
				}
				return nil
			})
		}
		return nil
	})
	// What else a message holds is of no meaning for its kind.
	own := tensorboard.Value{Tag: v.Tag, Kind: v.Kind}
	switch v.Kind {
	case tensorboard.ScalarKind:
		own.Number = v.Number
	case tensorboard.ImageKind:
		own.Width, own.Height, own.PNG = v.Width, v.Height, v.PNG
	case tensorboard.TextKind:
		own.Text = text
	}
	return own, err
}
