package dlg

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// matrix is row-major.
type matrix struct {
	rows, columns int
	v             []float64
}

func newMatrix(rows, columns int, f func(i, j int) float64) matrix {
	m := matrix{rows, columns, make([]float64, rows*columns)}
	for i := range rows {
		for j := range columns {
			m.v[i*columns+j] = f(i, j)
		}
	}
	return m
}

func (m matrix) at(i, j int) float64 { return m.v[i*m.columns+j] }

func (m matrix) t() matrix {
	return newMatrix(m.columns, m.rows, func(i, j int) float64 { return m.at(j, i) })
}

func (m matrix) times(o matrix) matrix {
	return newMatrix(m.rows, o.columns, func(i, j int) (sum float64) {
		for k := range m.columns {
			sum += m.at(i, k) * o.at(k, j)
		}
		return sum
	})
}

func (m matrix) plus(o matrix) matrix {
	return newMatrix(m.rows, m.columns, func(i, j int) float64 { return m.at(i, j) + o.at(i, j) })
}

func (m matrix) scaled(f float64) matrix {
	return newMatrix(m.rows, m.columns, func(i, j int) float64 { return m.at(i, j) * f })
}

// eachRow changes each row by f.
func (m matrix) eachRow(f func(row []float64)) matrix {
	m = m.scaled(1)
	for i := range m.rows {
		f(m.v[i*m.columns : (i+1)*m.columns])
	}
	return m
}

func (m matrix) softmax() matrix {
	return m.eachRow(func(row []float64) {
		sum := 0.0
		for i, x := range row {
			row[i] = math.Exp(x)
			sum += row[i]
		}
		for i := range row {
			row[i] /= sum
		}
	})
}

func (m matrix) unit() matrix {
	return m.eachRow(func(row []float64) {
		sum := 0.0
		for _, x := range row {
			sum += x * x
		}
		for i := range row {
			row[i] /= math.Sqrt(sum)
		}
	})
}

// oracle is the guidance of one image by the valid tokens of its caption, from the
// formulas of [Kinds], with all products written out.
type oracle struct {
	kind    string
	context int
	p       map[string][]float64
}

func (o oracle) linear(name string, x matrix, out int) matrix {
	w := matrix{x.columns, out, o.p[name+"/weight"]}
	return x.times(w).eachRow(func(row []float64) {
		for i := range row {
			row[i] += o.p[name+"/bias"][i]
		}
	})
}

func (o oracle) norm(name string, x matrix) matrix {
	return x.eachRow(func(row []float64) {
		mean, variance := 0.0, 0.0
		for _, v := range row {
			mean += v / float64(len(row))
		}
		for _, v := range row {
			variance += (v - mean) * (v - mean) / float64(len(row))
		}
		for i, v := range row {
			row[i] = (v-mean)/math.Sqrt(variance+1e-5)*o.p[name+"/weight"][i] + o.p[name+"/bias"][i]
		}
	})
}

// padded has rows of zeros up to the context.
func (o oracle) padded(m matrix) matrix {
	return newMatrix(o.context, m.columns, func(i, j int) float64 {
		if i >= m.rows {
			return 0
		}
		return m.at(i, j)
	})
}

func (o oracle) guide(v, text, classes matrix) matrix {
	c := v.columns
	root := 1 / math.Sqrt(float64(c))
	switch o.kind {
	case "none":
		return o.norm("norm_vision", v)
	case "wpct":
		return o.linear("out", o.padded(text.unit().times(v.unit().t())).t().scaled(1/0.07), c)
	case "wpct_classes":
		return v.unit().times(classes.unit().t()).scaled(1 / 0.07)
	case "sum_raw", "add_lang":
	default:
		v, text = o.norm("norm_vision", v), o.norm("norm_text", text)
	}
	key, query := "key_vision", "key_text"
	if o.kind == "cross" {
		key = "query_vision"
	}
	if o.kind == "cross_lang" {
		query = "query_text"
	}
	a := o.linear(query, text, c).times(o.linear(key, v, c).t()).scaled(root)
	sv, sl := a.softmax(), a.t().softmax()
	vl := func() matrix { return o.linear("value_text", text, c) }
	vv := func() matrix { return o.linear("value_vision", v, c) }
	switch o.kind {
	case "cross_lang":
		return v.plus(sl.times(sv.times(vv())))
	case "cross", "add_lang":
		return v.plus(sl.times(vl()))
	case "sum_raw":
		return sl.times(vl()).plus(sl.times(sl.t().times(vv())))
	case "sum_res":
		return v.plus(o.linear("out", sl.times(vl().plus(sv.times(vv()))), c))
	}
	fm := sv.times(vv()).times(sl.times(vl()).t())
	g := o.linear("out", o.padded(fm).t().scaled(root), c)
	if o.kind == "outer_res" {
		g = v.plus(g)
	}
	return g
}

// TestOracle compares every kind but vlga with the formulas, and its gradients with
// differences of the formulas.
func TestOracle(t *testing.T) {
	const h, w, n, c, k, context = 2, 3, 4, 6, 3, 9
	counts := []int32{4, 2}
	in := map[string][]float32{
		"vision": golden.Uniform("v", 2, h, w, c), "text": golden.Uniform("t", 2, n, c), "classes": golden.Uniform("k", k, c),
	}
	for _, kind := range Kinds() {
		if kind == "vlga" {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			config := Config{Kind: kind, Context: context, Classes: k}
			store := model.NewStore()
			var names []string
			exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, x []*graph.Node) []*graph.Node {
				// Noise in all parameters: some start at 0.
				names = names[:0]
				s := params.In(store, x[0].Graph(), "net", params.Options{})
				y := Guide(s, config, Inputs{Vision: x[0], Text: x[1], ClassText: x[2], Count: graph.Const(x[0].Graph(), counts)})
				d := y.Shape().Dimensions
				dy := graph.ConstTensor(s.Graph(), tensors.FromFlatDataAndDimensions(golden.Uniform("dy", d...), d...))
				with := []*graph.Node{x[0]}
				for v := range store.IterVariables() {
					names, with = append(names, v.Path()[len("/net/"):]), append(with, v.NodeValue(s.Graph()))
				}
				return append(graph.Gradient(graph.ReduceAllSum(graph.Mul(y, dy)), with...), y)
			})
			if err != nil {
				t.Fatal(err)
			}
			args := []any{
				tensors.FromFlatDataAndDimensions(in["vision"], 2, h, w, c),
				tensors.FromFlatDataAndDimensions(in["text"], 2, n, c),
				tensors.FromFlatDataAndDimensions(in["classes"], k, c),
			}
			if _, err := exec.Call(args...); err != nil { // makes the parameters
				t.Fatal(err)
			}
			o := oracle{kind, context, map[string][]float64{}}
			values := params.Values{}
			for _, name := range names {
				d := store.GetVariable("/net/" + name).Shape().Dimensions
				values[name] = params.Dense(golden.Value(name, d...), d...)
				o.p[name] = wide(golden.Value(name, d...))
			}
			if err := params.Load(store, "net", values); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Call(args...)
			if err != nil {
				t.Fatal(err)
			}

			vision, text, classes := wide(in["vision"]), wide(in["text"]), wide(in["classes"])
			result := func() (all []float64) {
				for b := range 2 {
					v := matrix{h * w, c, vision[b*h*w*c : (b+1)*h*w*c]}
					words := matrix{int(counts[b]), c, text[b*n*c : b*n*c+int(counts[b])*c]}
					all = append(all, o.guide(v, words, matrix{k, c, classes}).v...)
				}
				return all
			}
			want := result()
			near(t, "result", values32(t, out[len(out)-1]), want)
			dy := golden.Uniform("dy", len(want))
			derivative := func(x *float64) float64 {
				sum := func() (s float64) {
					for i, v := range result() {
						s += v * float64(dy[i])
					}
					return s
				}
				const e = 1e-5
				at := *x
				*x = at + e
				up := sum()
				*x = at - e
				down := sum()
				*x = at
				return (up - down) / (2 * e)
			}
			for i, name := range append([]string{""}, names...) {
				x := vision
				if name != "" {
					x = o.p[name]
				}
				have := values32(t, out[i])
				var some, wanted []float64
				for j := 0; j < len(x); j += max(1, len(x)/20) {
					some, wanted = append(some, have[j]), append(wanted, derivative(&x[j]))
				}
				near(t, fmt.Sprintf("gradient of %q", name), some, wanted)
			}
		})
	}
}

func near(t *testing.T, name string, have, want []float64) {
	t.Helper()
	largest, worst := 0.1, 0.0
	for i := range want {
		largest = max(largest, math.Abs(want[i]))
		worst = max(worst, math.Abs(have[i]-want[i]))
	}
	if len(have) != len(want) || !(worst <= golden.Tolerance*largest) {
		t.Errorf("%s differs by %.3g of %.3g", name, worst, largest)
	}
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func values32(t *testing.T, x *tensors.Tensor) []float64 {
	t.Helper()
	v, err := tensors.CopyFlatData[float32](x)
	if err != nil {
		t.Fatal(err)
	}
	return wide(v)
}
