package store

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// holder is the content of a lock: the process that holds it.
type holder struct {
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
	// ID is this lock's own: a process may ask for several.
	ID string `json:"id"`
	// Boot is the boot ID, PIDs the PID namespace (a container may have one of its own),
	// Start the start time of the process; all empty where there is no /proc.
	Boot  string `json:"boot,omitempty"`
	PIDs  string `json:"pids,omitempty"`
	Start string `json:"start,omitempty"`
}

// self is this process as the holder of a new lock.
func self() holder {
	h := holder{PID: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second), ID: rand.Text()}
	h.Host, _ = os.Hostname() // for people
	h.Boot, h.PIDs = system()
	h.Start, _ = startOf(h.PID)
	return h
}

func system() (boot, pids string) {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	pids, _ = os.Readlink("/proc/self/ns/pid")
	return strings.TrimSpace(string(id)), pids
}

// startOf is when a process started, in ticks since boot, and false where there is no
// such process or it is a zombie.
func startOf(pid int) (string, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The program's name stands in parentheses, and may contain some itself.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 20 || strings.ContainsAny(fields[0], "ZX") {
		return "", false
	}
	return fields[19], true
}

// onThisHost reports whether the holder is, or was, a process of this machine.
func (h holder) onThisHost() bool {
	host, _ := os.Hostname()
	boot, _ := system()
	return host == h.Host || boot != "" && boot == h.Boot // containers have names of their own
}

// dead reports whether the holder is certainly dead: a process of this system that has ended.
func (h holder) dead() bool {
	boot, pids := system()
	if boot == "" || h.Boot != boot || h.PIDs != pids || h.Start == "" {
		return false
	}
	start, lives := startOf(h.PID)
	return !lives || start != h.Start
}

// String names the process.
func (h holder) String() string {
	if h.ID == "" {
		return "it has not written yet which"
	}
	return fmt.Sprintf("process %d on host %s, since %s", h.PID, h.Host, h.Since.Format(time.DateTime+" MST"))
}

func (h holder) encode() []byte {
	data, _ := json.Marshal(h) // strings, a number and a time of this century
	return append(data, '\n')
}

// decodeHolder reads a lock; a lock that names nobody gives the zero holder.
func decodeHolder(r io.Reader) (h holder) {
	if json.NewDecoder(io.LimitReader(r, 1<<16)).Decode(&h) != nil {
		return holder{}
	}
	return h
}
