package tosca_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/gangway-nfv/gangway/tosca"
)

// endless has many large files that look like descriptors until they are read.
type endless struct {
	number, size int
	reads        int
	most         uint64 // bytes of the heap that were in use
}

func (e *endless) List() []tosca.FileInfo {
	out := make([]tosca.FileInfo, e.number)
	for i := range out {
		out[i] = tosca.FileInfo{Path: fmt.Sprintf("%05d.yaml", i), Size: int64(e.size)}
	}
	return out
}

func (e *endless) ReadFile(string) ([]byte, error) {
	if e.reads++; e.reads%64 == 0 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		e.most = max(e.most, stats.HeapAlloc)
	}
	return make([]byte, e.size), nil
}

func TestFilesThatOnlyLookLikeDescriptorsAreNotHeldInMemory(t *testing.T) {
	files := &endless{number: 256, size: 1 << 20}
	tosca.Read(files)
	if files.reads < files.number {
		t.Fatalf("%d of %d files were looked into", files.reads, files.number)
	}
	if limit := uint64(64 << 20); files.most > limit {
		t.Errorf("the heap has %d bytes, more than %d", files.most, limit)
	}
}
