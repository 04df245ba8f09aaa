package diskfmt_test

import (
	"errors"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/diskfmt"
)

func TestMatch(t *testing.T) {
	raw := diskfmt.Result{Format: diskfmt.Raw}
	found := func(f diskfmt.Format) diskfmt.Result { return diskfmt.Result{Format: f} }
	tests := []struct {
		name            string
		disk, container string
		found           diskfmt.Result
		fits            bool
	}{
		{"qcow2 is qcow2", "qcow2", "bare", found(diskfmt.QCOW2), true},
		{"case does not matter", "QCOW2", "BARE", found(diskfmt.QCOW2), true},
		{"raw bytes are no qcow2", "qcow2", "bare", raw, false},
		{"a qcow2 is not raw", "raw", "bare", found(diskfmt.QCOW2), false},
		{"a vmdk is not raw", "raw", "bare", found(diskfmt.VMDK), false},
		{"raw is what nothing else is", "raw", "", raw, true},
		{"an iso may be written to a disk", "raw", "bare", found(diskfmt.ISO), true},
		{"a disk is no iso", "iso", "bare", raw, false},
		{"an iso is an iso", "iso", "bare", found(diskfmt.ISO), true},
		{"an encrypted volume is stored as raw", "raw", "bare", found(diskfmt.LUKS), true},
		{"a fixed vhd boots as raw", "raw", "bare", diskfmt.Result{Format: diskfmt.VHD, Variant: "fixed"}, true},
		{"a dynamic vhd does not", "raw", "bare", diskfmt.Result{Format: diskfmt.VHD, Variant: "dynamic"}, false},
		{"vpc is vhd", "vpc", "bare", found(diskfmt.VHD), true},
		{"vhd is not vhdx", "vhd", "bare", found(diskfmt.VHDX), false},
		{"a gz is not raw", "raw", "bare", found(diskfmt.Gzip), false},
		{"a tar is not raw", "raw", "bare", found(diskfmt.Tar), false},
		{"a gz is compressed", "qcow2", "compressed", found(diskfmt.Gzip), true},
		{"a qcow2 is not compressed", "qcow2", "compressed", found(diskfmt.QCOW2), false},
		{"an ova holds its disk", "vmdk", "ova", found(diskfmt.OVA), true},
		{"a vmdk is no ova", "vmdk", "ova", found(diskfmt.VMDK), false},
		{"ovf was used for bare", "qcow2", "ovf", found(diskfmt.QCOW2), true},
		{"a docker image is a tar", "raw", "docker", found(diskfmt.Tar), true},
		{"a RAM disk may be compressed", "ari", "ari", found(diskfmt.Gzip), true},
		{"a kernel may be raw", "aki", "aki", raw, true},
		{"a machine image is a raw file system", "ami", "ami", found(diskfmt.QCOW2), false},
		{"nothing declared fits anything", "", "", found(diskfmt.QED), true},
		{"a bare container declares nothing", "", "bare", found(diskfmt.QCOW2), true},
		{"a container alone is compared", "", "ova", raw, false},
		{"other names are compared as they are", "luks", "bare", found(diskfmt.LUKS), true},
		{"unknown names fit nothing", "img", "bare", raw, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := diskfmt.Match(tt.disk, tt.container, tt.found)
			if (err == nil) != tt.fits {
				t.Fatalf("got %v, want fits = %v", err, tt.fits)
			}
			var mismatch *diskfmt.MismatchError
			if err != nil && (!errors.As(err, &mismatch) || mismatch.Found != tt.found.Format || len(mismatch.Expected) == 0) {
				t.Errorf("got %#v, want a MismatchError that says what was found and expected", err)
			}
		})
	}
}

func TestMismatchSaysWhatWasExpectedAndFound(t *testing.T) {
	err := diskfmt.Match("vmdk", "ova", diskfmt.Result{Format: diskfmt.QCOW2})
	const want = "disk format vmdk in container format ova: expected ova or tar, found qcow2"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
