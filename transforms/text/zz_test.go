package text
import ("testing";"os";"bytes";"encoding/json";"slices")
func TestZZ(t *testing.T){
 tok:=clipTokenizer(t); data,_:=os.ReadFile("/tmp/td/golden_clip.jsonl"); n,bad:=0,0
 for _,l:=range bytes.Split(data,[]byte("\n")){ if len(l)==0{continue}
  var r goldenRow; if err:=json.Unmarshal(l,&r);err!=nil{t.Fatal(err)}
  n++
  for _,c:=range []struct{o Options;p,w []int32}{{Options{Cleaning:CleanHF},r.HF,nil},{Options{Cleaning:CleanHF,Specials:true},r.HF,r.HFSpecial},{Options{},r.OpenAI,nil},{Options{Specials:true},r.OpenAI,r.OpenAISpecial}}{
   if c.w==nil{c.w=c.p}; if c.w==nil{continue}
   w,_:=tok.With(c.o); if got:=w.Encode(r.Text);!slices.Equal(got,c.w){bad++; if bad<12 {t.Errorf("%+v %q -> %q\n got %q\nwant %q",c.o,r.Text,w.Clean(r.Text),tok.Decode(got),tok.Decode(c.w))}}
  }}
 t.Log(n,bad)
}
