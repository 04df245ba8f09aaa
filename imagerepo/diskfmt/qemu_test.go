package diskfmt_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/diskfmt"
)

// needQEMU skips the test where qemu-img is not installed. Under CI=true that is
// a failure: without the oracle the parsers are tested against themselves only.
func needQEMU(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		const hint = "NOT COMPARED WITH qemu-img: it is not installed (apt-get install qemu-utils)"
		if os.Getenv("CI") == "true" {
			t.Fatal(hint)
		}
		t.Skip(hint)
	}
}

// qemuImg runs qemu-img in dir and returns its standard output. Where it encrypts,
// it measures the CPU with a clock that is too coarse for fast ones and then gives
// up; it is asked again.
func qemuImg(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	for range 20 {
		stderr.Reset()
		cmd := exec.Command("qemu-img", args...)
		cmd.Dir, cmd.Stderr = dir, &stderr
		out, err := cmd.Output()
		if err == nil {
			return out
		}
		if !bytes.Contains(stderr.Bytes(), []byte("Unable to get accurate CPU usage")) {
			break
		}
	}
	t.Fatalf("qemu-img %q: %s", args, &stderr)
	return nil
}

func inspectFile(t *testing.T, path string) diskfmt.Result {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, err := diskfmt.Inspect(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func codes(r diskfmt.Result) []diskfmt.Code {
	var cs []diskfmt.Code
	for _, p := range r.Problems {
		cs = append(cs, p.Code)
	}
	slices.Sort(cs)
	return slices.Compact(cs)
}

func TestImagesMadeByQEMU(t *testing.T) {
	needQEMU(t)
	// The base's size is odd on purpose where a format rounds it.
	const base = "base.raw"
	create := func(args ...string) [][]string { return [][]string{append([]string{"create", "-q"}, args...)} }
	convert := func(args ...string) [][]string {
		return [][]string{append(append([]string{"convert", "-q"}, args...), base, "disk")}
	}
	qcow2Base := []string{"create", "-q", "-f", "qcow2", "parent", "6M"}
	vmdkBase := []string{"create", "-q", "-f", "vmdk", "parent", "6M"}
	secret := "secret,id=s,data=geheim"

	tests := []struct {
		name    string
		steps   [][]string
		file    string // disk if empty
		qemu    string // the driver's name; empty: qemu-img cannot name the virtual size
		want    diskfmt.Format
		variant string
		codes   []diskfmt.Code
	}{
		{"qcow2 v3", convert("-O", "qcow2"), "", "qcow2", diskfmt.QCOW2, "v3", nil},
		{"qcow2 v2", convert("-O", "qcow2", "-o", "compat=0.10"), "", "qcow2", diskfmt.QCOW2, "v2", nil},
		{"qcow2 compressed with zstd", convert("-O", "qcow2", "-c", "-o", "compression_type=zstd"), "", "qcow2", diskfmt.QCOW2, "v3", nil},
		{"qcow2 with small clusters", convert("-O", "qcow2", "-o", "cluster_size=512"), "", "qcow2", diskfmt.QCOW2, "v3", nil},
		{"qcow2 with subclusters", convert("-O", "qcow2", "-o", "extended_l2=on,cluster_size=128k"), "", "qcow2", diskfmt.QCOW2, "v3", nil},
		{"qcow2 with lazy refcounts", convert("-O", "qcow2", "-o", "lazy_refcounts=on"), "", "qcow2", diskfmt.QCOW2, "v3", nil},
		{"qcow2 encrypted", create("--object", secret, "-f", "qcow2", "-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10", "disk", "6M"), "", "qcow2", diskfmt.QCOW2, "v3", nil},
		{"qcow2 of 9 TiB", create("-f", "qcow2", "disk", "9T"), "", "qcow2", diskfmt.QCOW2, "v3", nil},
		{"qcow2 overlay", [][]string{qcow2Base, create("-f", "qcow2", "-b", "parent", "-F", "qcow2", "disk")[0]}, "", "qcow2", diskfmt.QCOW2, "v3", []diskfmt.Code{diskfmt.BackingFile}},
		{"qcow2 v2 overlay on a raw disk", create("-f", "qcow2", "-o", "compat=0.10", "-b", base, "-F", "raw", "disk"), "", "qcow2", diskfmt.QCOW2, "v2", []diskfmt.Code{diskfmt.BackingFile}},
		{"qcow2 with a data file", create("-f", "qcow2", "-o", "data_file=data", "disk", "6M"), "", "qcow2", diskfmt.QCOW2, "v3", []diskfmt.Code{diskfmt.DataFile}},
		{"qcow2 with a raw data file", create("-f", "qcow2", "-o", "data_file=data,data_file_raw=on", "disk", "6M"), "", "qcow2", diskfmt.QCOW2, "v3", []diskfmt.Code{diskfmt.DataFile}},
		{"qcow v1", convert("-O", "qcow"), "", "", diskfmt.QCOW2, "v1", []diskfmt.Code{diskfmt.Unsupported}},
		{"qed", convert("-O", "qed"), "", "qed", diskfmt.QED, "", []diskfmt.Code{diskfmt.Unsupported}},
		{"qed overlay", create("-f", "qed", "-b", base, "-F", "raw", "disk"), "", "qed", diskfmt.QED, "", []diskfmt.Code{diskfmt.BackingFile, diskfmt.Unsupported}},

		{"vmdk monolithicSparse", convert("-O", "vmdk"), "", "vmdk", diskfmt.VMDK, "monolithicSparse", nil},
		{"vmdk streamOptimized", convert("-O", "vmdk", "-o", "subformat=streamOptimized"), "", "vmdk", diskfmt.VMDK, "streamOptimized", nil},
		{"vmdk monolithicFlat", convert("-O", "vmdk", "-o", "subformat=monolithicFlat"), "", "vmdk", diskfmt.VMDK, "monolithicFlat", []diskfmt.Code{diskfmt.CreateType, diskfmt.ExternalExtent}},
		{"vmdk monolithicFlat's data", convert("-O", "vmdk", "-o", "subformat=monolithicFlat"), "disk-flat", "raw", diskfmt.Raw, "mbr", nil},
		{"vmdk split sparse", convert("-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse"), "", "vmdk", diskfmt.VMDK, "twoGbMaxExtentSparse", []diskfmt.Code{diskfmt.CreateType, diskfmt.ExternalExtent}},
		{"vmdk split sparse's data", convert("-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse"), "disk-s001", "", diskfmt.VMDK, "", []diskfmt.Code{diskfmt.CreateType, diskfmt.ExternalExtent}},
		{"vmdk split flat", convert("-O", "vmdk", "-o", "subformat=twoGbMaxExtentFlat"), "", "vmdk", diskfmt.VMDK, "twoGbMaxExtentFlat", []diskfmt.Code{diskfmt.CreateType, diskfmt.ExternalExtent}},
		{"vmdk overlay", [][]string{vmdkBase, create("-f", "vmdk", "-b", "parent", "-F", "vmdk", "disk")[0]}, "", "vmdk", diskfmt.VMDK, "monolithicSparse", []diskfmt.Code{diskfmt.BackingFile}},

		{"vdi dynamic", convert("-O", "vdi"), "", "vdi", diskfmt.VDI, "dynamic", nil},
		{"vdi static", convert("-O", "vdi", "-o", "static=on"), "", "vdi", diskfmt.VDI, "fixed", nil},
		{"vhd dynamic", convert("-O", "vpc"), "", "vpc", diskfmt.VHD, "dynamic", nil},
		{"vhd dynamic of the exact size", convert("-O", "vpc", "-o", "force_size=on"), "", "vpc", diskfmt.VHD, "dynamic", nil},
		{"vhd fixed", convert("-O", "vpc", "-o", "subformat=fixed"), "", "vpc", diskfmt.VHD, "fixed", nil},
		{"vhdx dynamic", convert("-O", "vhdx"), "", "vhdx", diskfmt.VHDX, "", nil},
		{"vhdx fixed", convert("-O", "vhdx", "-o", "subformat=fixed"), "", "vhdx", diskfmt.VHDX, "", nil},
		{"vhdx of 8 TiB", create("-f", "vhdx", "disk", "8T"), "", "vhdx", diskfmt.VHDX, "", nil},
		{"parallels", convert("-O", "parallels"), "", "parallels", diskfmt.Ploop, "", nil},
		{"luks", create("--object", secret, "-f", "luks", "-o", "key-secret=s,iter-time=10", "disk", "6M"), "", "", diskfmt.LUKS, "v1", nil},
		{"raw", convert("-O", "raw"), "", "raw", diskfmt.Raw, "mbr", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, base), mbrDisk(5<<20+512), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range tt.steps {
				qemuImg(t, dir, args...)
			}
			file := tt.file
			if file == "" {
				file = "disk"
			}
			got := inspectFile(t, filepath.Join(dir, file))
			if got.Format != tt.want || got.Variant != tt.variant {
				t.Errorf("got %s (%s), want %s (%s)", got.Format, got.Variant, tt.want, tt.variant)
			}
			if c := codes(got); !slices.Equal(c, tt.codes) {
				t.Errorf("got problems %v, want codes %v", got.Problems, tt.codes)
			}
			if tt.qemu == "" {
				return
			}
			var info struct {
				VirtualSize int64 `json:"virtual-size"`
			}
			out := qemuImg(t, dir, "info", "-f", tt.qemu, "--output=json", file)
			if err := json.Unmarshal(out, &info); err != nil {
				t.Fatal(err)
			}
			if got.VirtualSize != info.VirtualSize {
				t.Errorf("got a virtual size of %d bytes, qemu-img says %d", got.VirtualSize, info.VirtualSize)
			}
		})
	}
}

// mbrDisk returns a disk of n bytes that is not all zeros.
func mbrDisk(n int) []byte {
	disk := make([]byte, n)
	for i := 1 << 20; i < min(n, 2<<20); i++ {
		disk[i] = byte(i * 7 >> 3)
	}
	copy(disk[510:], "\x55\xaa")
	return disk
}
