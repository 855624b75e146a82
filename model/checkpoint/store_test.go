package checkpoint

import (
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/params"
)

// TestStore takes the variables of a store through a checkpoint into an empty store,
// and into one that has them already.
func TestStore(t *testing.T) {
	from := model.NewStore()
	from.VariableWithValue("/student/vision/class", tensors.FromFlatDataAndDimensions([]float32{1, 2, 3}, 3, 1))
	from.VariableWithValue("/student/logit_scale", tensors.FromScalar(float32(2.5)))
	from.VariableWithValue("/optimizer/m/student/vision/class", tensors.FromFlatDataAndDimensions([]float32{4, 5, 6}, 3, 1))
	from.VariableWithValue("/optimizer/step", tensors.FromScalar(int64(1)<<60+1))
	from.VariableWithValue("/optimizer/counts", tensors.FromFlatDataAndDimensions([]int64{7, -8}, 2))
	values, err := params.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	k := &Keeper{Dir: t.TempDir()}
	if err := k.Save(t.Context(), State{Step: 9, Values: values}); err != nil {
		t.Fatal(err)
	}
	s, _, err := Latest(t.Context(), k.Dir)
	if err != nil {
		t.Fatal(err)
	}
	to := model.NewStore()
	to.VariableWithValue("/student/vision/class", tensors.FromFlatDataAndDimensions([]float32{0, 0, 0}, 3, 1))
	to.VariableWithValue("/optimizer/step", tensors.FromScalar(int64(0)))
	if err := params.LoadAll(to, s.Values); err != nil {
		t.Fatal(err)
	}
	again, err := params.ReadAll(to)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, State{Step: 9, Values: again}, State{Step: 9, Values: values})
	if v := again["optimizer/step"].Data(); v != int64(1)<<60+1 {
		t.Errorf("the counter is %v", v)
	}
	wrong := model.NewStore()
	wrong.VariableWithValue("/optimizer/step", tensors.FromScalar(float32(0)))
	if err := params.LoadAll(wrong, s.Values); err == nil {
		t.Error("an int64 was loaded into a float32")
	}
}
