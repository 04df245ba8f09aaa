package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

func TestTheFirstBytesTellWhatAFileIs(t *testing.T) {
	f := start(t)
	large := onboardingtest.QCOW2(384<<10, 5<<30+1, 1)
	head := make([]byte, 64<<10)
	_, err := large.ReadAt(head, 0)
	resttest.NoError(t, err)
	backed := append([]byte{}, head...)
	backed[15] = 104 // the offset of a backing file's name
	backed[19] = 4   // its length
	for name, test := range map[string]struct {
		query string
		body  any
		want  onboarding.Inspection
	}{
		"the head of a qcow2":      {"?size=393216", head, onboarding.Inspection{DiskFormat: "qcow2", VirtualSize: 5<<30 + 1, MinDisk: 6, Problems: []string{}}},
		"a whole qcow2":            {"", disk(t, 1), onboarding.Inspection{DiskFormat: "qcow2", VirtualSize: 1 << 20, MinDisk: 1, Problems: []string{}}},
		"the head of a raw disk":   {"?size=3221225472", make([]byte, 64<<10), onboarding.Inspection{DiskFormat: "raw", VirtualSize: 3 << 30, MinDisk: 3, Problems: []string{}}},
		"what is compressed":       {"", "\x1f\x8b\x08" + strings.Repeat("\x00", 100), onboarding.Inspection{DiskFormat: "gz", Compressed: true, Problems: []string{}}},
		"what would read a file":   {"?size=393216", backed, onboarding.Inspection{DiskFormat: "qcow2", VirtualSize: 5<<30 + 1, MinDisk: 6}},
		"as much as may be sent":   {"", make([]byte, 4<<20), onboarding.Inspection{DiskFormat: "raw", VirtualSize: 4 << 20, MinDisk: 1, Problems: []string{}}},
		"less than the head of it": {"", "abc", onboarding.Inspection{DiskFormat: "raw", VirtualSize: 3, MinDisk: 1, Problems: []string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := resttest.Into[onboarding.Inspection](t, f.Do(t, "POST", "/api/v1/inspect"+test.query, test.body, "X-Auth-Token: red-reader").Want(t, 200))
			if test.want.Problems == nil {
				if len(got.Problems) != 1 || !strings.HasPrefix(got.Problems[0], "backing-file: ") {
					t.Errorf("problems are %q", got.Problems)
				}
				got.Problems = nil
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("inspection (-want +got):\n%s", d)
			}
		})
	}
	for name, test := range map[string]struct {
		query  string
		body   any
		status int
	}{
		"more than may be sent":           {"", make([]byte, 4<<20+1), 413},
		"... whose length is not told":    {"", struct{ *strings.Reader }{strings.NewReader(strings.Repeat("x", 4<<20+1))}, 413},
		"more than the file has":          {"?size=2", "abc", 422},
		"less than is needed of the file": {"?size=65537", make([]byte, 64<<10-1), 422},
		"nothing":                         {"", nil, 400},
	} {
		t.Run(name, func(t *testing.T) { f.Do(t, "POST", "/api/v1/inspect"+test.query, test.body).Want(t, test.status) })
	}
	if n := f.stored(t); n != 0 {
		t.Errorf("%d files were stored", n)
	}
}
