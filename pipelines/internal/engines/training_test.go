package engines

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	dataflow "google.golang.org/api/dataflow/v1b3"

	"semidavil/internal/fixture/cloud"
	"semidavil/runners/dataflowtest"
)

// TestDataflowTraining pre-trains, trains and evaluates on workers elsewhere, each as a job
// of its own with the program of another command, and wants the weights and scores of
// runs here.
func TestDataflowTraining(t *testing.T) {
	c := cloud.Start(t)
	here := t.TempDir()
	must(t, "prepare", "--scenes=8,6,2,2", "--output="+here+"/data")
	c.Upload(t, here+"/data", "data")

	engine := dataflowtest.StartEngine(t)
	service := dataflowtest.Start(t, func(job *dataflow.Job) ([]*dataflow.MetricUpdate, error) {
		return engine.Execute(job, reader(c))
	})
	elsewhere := append(service.Flags(cloud.Bucket), "--worker_binary="+build(t, "pseudolabel"))
	commands := func(root string) [][]string {
		return [][]string{
			{"pretrain", "--data=" + root + "/data", "--output=" + root + "/pretrained", "--backend=go", "--steps=2", "--batch=4", "--size=64x32"},
			{"train", "--data=" + root + "/data", "--clip=" + root + "/pretrained/clip", "--output=" + root + "/train", "--backend=go", "--vision=all",
				"--window=whole", "--crop=64x32", "--batch=1,1,2", "--steps=2", "--checkpoint_every=1", "--evaluate_every=2"},
			{"evaluate", "--data=" + root + "/data", "--checkpoint=" + root + "/train", "--window=whole", "--backend=go", "--output=" + root + "/evaluate"},
		}
	}
	score := func(stdout string) string {
		for line := range strings.Lines(stdout) {
			if strings.HasPrefix(line, "mean IoU") {
				return line
			}
		}
		return ""
	}
	away := commands("gs://" + cloud.Bucket)
	for i, command := range commands(here) {
		want, _ := must(t, command[0], command[1:]...)
		got, _ := must(t, command[0], append(away[i][1:], elsewhere...)...)
		if command[0] == "evaluate" && (score(got) != score(want) || score(got) == "") {
			t.Errorf("score %q, here %q", score(got), score(want))
		}
	}
	for _, fault := range service.Faults() {
		t.Error(fault)
	}
	if jobs := service.Jobs(); len(jobs) != 3 {
		t.Errorf("%d jobs", len(jobs))
	}
	for _, file := range []string{"pretrained/clip/model.safetensors", "train/checkpoints/step-00000002.safetensors", "train/best.safetensors", "evaluate/report.json"} {
		want, err := os.ReadFile(filepath.Join(here, file))
		if err != nil {
			t.Fatal(err)
		}
		object, err := c.GetObject(cloud.Bucket, file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		// Reports name the folders.
		if got := bytes.ReplaceAll(object.Content, []byte("gs://"+cloud.Bucket), []byte(here)); !bytes.Equal(got, want) {
			t.Errorf("%s has other bytes", file)
		}
	}
}
