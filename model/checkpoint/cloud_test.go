package checkpoint

import (
	"net/http"
	"strings"
	"testing"

	"semidavil/internal/fixture/cloud"
)

// TestCloudRefuses: a failed upload leaves the checkpoint before.
func TestCloudRefuses(t *testing.T) {
	server := cloud.Start(t)
	const dir = "gs://data/run"
	k := &Keeper{Dir: dir, Keep: 1}
	if err := k.Save(t.Context(), state(1, 100)); err != nil {
		t.Fatal(err)
	}
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			return false
		}
		http.Error(w, `{"error":{"code":403,"message":"the quota is used up"}}`, http.StatusForbidden)
		return true
	})
	if err := k.Save(t.Context(), state(2, 100)); err == nil || !strings.Contains(err.Error(), "quota") || !strings.Contains(err.Error(), Path(dir, 2)) {
		t.Errorf("refused: %v", err)
	}
	s, found, err := Latest(t.Context(), dir)
	if !found || err != nil {
		t.Fatal(found, err)
	}
	equal(t, s, state(1, 100))
}
