package stages

import (
	"encoding/json"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// registerJSON makes elements of type T travel as JSON. Beam's own coder for structs would
// pass over their MarshalJSON, as that of scores, which may be NaN.
func registerJSON[T any]() { beam.RegisterCoder(reflect.TypeFor[T](), encodeJSON, decodeJSON) }

func encodeJSON(v beam.T) ([]byte, error) { return json.Marshal(v) }

func decodeJSON(t reflect.Type, data []byte) (beam.T, error) {
	v := reflect.New(t)
	err := json.Unmarshal(data, v.Interface())
	return v.Elem().Interface(), err
}
