package onboarding_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
)

// Open Baton could not take images from CSARs at all.
func TestEveryDialectOnboardsFromEveryContainer(t *testing.T) {
	h := newHarness(t)
	dialects := map[tosca.Dialect]func(onboardingtest.Spec) []onboardingtest.Member{
		tosca.OpenBatonTar: onboardingtest.OpenBatonTar, tosca.OpenBatonCSAR: onboardingtest.OpenBatonCSAR, tosca.SOL004: onboardingtest.SOL004,
	}
	image := diskImage(1).Compressible()
	for dialect, build := range dialects {
		members := build(onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("firewall-image", image)}})
		for _, container := range onboardingtest.Containers() {
			data := onboardingtest.Bytes(container, members)
			path := filepath.Join(t.TempDir(), "package")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			for from, src := range map[string]onboarding.Source{"file": onboarding.FileSource(path), "stream": stream(data)} {
				t.Run(fmt.Sprintf("%s/%s/%s", dialect, container, from), func(t *testing.T) {
					report, err := h.Onboard(t.Context(), src, onboarding.Options{})
					if err != nil {
						t.Fatal(err)
					}
					wantStatus(t, report, onboarding.Onboarded)
					img := h.image(t, "firewall-image")
					want := onboarding.Report{
						Source: src.Name, Status: onboarding.Onboarded,
						Package: &onboarding.PackageReport{ID: report.Package.ID, Name: "firewall", Vendor: "gangway", Version: "1.0", Dialect: dialect, VDUs: 1},
						Images: []onboarding.ImageReport{{ID: img.ID, Name: "firewall-image", Size: image.Size(),
							Digests: imagerepo.Digests{imagerepo.SHA256: image.SHA256()}, Action: onboarding.Stored}},
						Findings: report.Findings,
					}
					if diff := cmp.Diff(want, report); diff != "" {
						t.Errorf("report (-want +got):\n%s", diff)
					}
					if img.DiskFormat != "qcow2" || img.ContainerFormat != "bare" {
						t.Errorf("image is %s %s", img.DiskFormat, img.ContainerFormat)
					}
					if _, _, err := h.Repository.DeletePackage(t.Context(), report.Package.ID, false); err != nil {
						t.Fatal(err)
					}
				})
			}
		}
	}
	h.wantState(t, state{Packages: map[string][]string{}, Images: map[string]string{}})
}

func TestAPackageKeepsItsDescriptorsAndScripts(t *testing.T) {
	h := newHarness(t)
	report := h.mustOnboard(t, firewall(diskImage(1)))
	files, err := h.Repository.Catalog().PackageFiles(t.Context(), report.Package.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, file := range files {
		got[file.Role+" "+file.Path] = len(file.Content) > 0
	}
	want := map[string]bool{
		"metadata Metadata.yaml": true, "descriptor vnfd.json": true, "script scripts/install.sh": true, "image images/firewall-image": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files with content (-want +got):\n%s", diff)
	}
}

func TestTheFilesThatAreKeptTakeNoMoreThanTheMemoryOfAnArchive(t *testing.T) {
	h := newHarness(t)
	h.Limits.Memory = 32 << 10
	members := firewall(diskImage(1))
	for i := range 40 {
		members = append(members, onboardingtest.Text(fmt.Sprintf("scripts/%02d.sh", i), strings.Repeat("\n", 1<<10)))
	}
	report := h.onboardBytes(t, onboardingtest.Bytes(onboardingtest.ZipDeflated, members), onboarding.Options{})
	wantStatus(t, report, onboarding.Onboarded)
	files, err := h.Repository.Catalog().PackageFiles(t.Context(), report.Package.ID)
	if err != nil {
		t.Fatal(err)
	}
	kept, described := 0, 0
	for _, file := range files {
		kept += len(file.Content)
		if file.Role == string(tosca.RoleDescriptor) && len(file.Content) > 0 {
			described++
		}
	}
	if kept == 0 || kept > 16<<10 || described != 1 {
		t.Errorf("%d bytes are kept, of %d descriptors", kept, described)
	}
}

// The container and a top folder are no part of the package.
func TestOnboardingAgainIsUnchangedAndWritesNoImageByte(t *testing.T) {
	h := newHarness(t)
	members := firewall(diskImage(1).Compressible())
	first := h.mustOnboard(t, members)
	before := h.state(t)
	file := h.Repository.Location(h.image(t, "firewall-image").ID)
	was := inode(t, file)
	again := map[string][]byte{
		"the same tar":                  onboardingtest.Bytes(onboardingtest.Tar, members),
		"another compression":           onboardingtest.Bytes(onboardingtest.TarZstd, members),
		"a zip":                         onboardingtest.Bytes(onboardingtest.ZipDeflated, members),
		"names that begin with a dot":   onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.Under("./", members)),
		"all members under one folder":  onboardingtest.Bytes(onboardingtest.TarGzip, onboardingtest.Under("firewall-1.0/", members)),
		"a stored zip under one folder": onboardingtest.Bytes(onboardingtest.Zip, onboardingtest.Under("firewall-1.0/", members)),
	}
	for name, data := range again {
		t.Run(name, func(t *testing.T) {
			report := h.onboardBytes(t, data, onboarding.Options{})
			wantStatus(t, report, onboarding.Unchanged)
			wantActions(t, report, map[string]onboarding.Action{"firewall-image": onboarding.Reused})
			if report.Package.ID != first.Package.ID || report.Images[0].ID != first.Images[0].ID {
				t.Errorf("IDs changed: %+v %+v", report.Package, report.Images)
			}
			h.wantState(t, before)
			if got := inode(t, file); got != was {
				t.Errorf("the file was written again: inode %d, was %d", got, was)
			}
		})
	}
}

// Open Baton stored images before it had parsed the VNFD, and left them when the
// package was refused.
func TestNothingIsLeftOfARefusedPackage(t *testing.T) {
	good := packageOf("firewall", onboardingtest.Embed("one", diskImage(1)), onboardingtest.Embed("two", diskImage(2)))
	withBacking := replace(packageOf("firewall", onboardingtest.Embed("one", diskImage(1)), onboardingtest.Embed("two", diskImage(2))),
		"images/two", func(qcow2 string) string { return backingFile(qcow2) })
	sol004 := func(images ...onboardingtest.SoftwareImage) []onboardingtest.Member {
		return onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall", Images: images})
	}
	stated := onboardingtest.Embed("two", diskImage(2))
	stated.SHA256 = strings.Repeat("0", 64)
	raw := onboardingtest.Embed("two", onboardingtest.Raw(64<<10, 2))
	raw.DiskFormat = "qcow2"
	tests := []struct {
		name    string
		members []onboardingtest.Member
		code    tosca.Code
	}{
		{"the VNFD has no VDU", replace(good, "vnfd.json", func(s string) string { return strings.Replace(s, `"vdu"`, `"no"`, 1) }), tosca.CodeVDUMissing},
		{"the VNFD is not JSON", replace(good, "vnfd.json", func(string) string { return "{" }), tosca.CodeDescriptorMalformed},
		{"an image is missing", good[:len(good)-1], tosca.CodeImageMissing},
		{"an image has not the stated digest", sol004(onboardingtest.Embed("one", diskImage(1)), stated), onboarding.CodeImageChecksum},
		{"an image has not the stated format", packageOf("firewall", onboardingtest.Embed("one", diskImage(1)), raw), onboarding.CodeImageFormat},
		{"an image has a backing file", withBacking, onboarding.CodeImageUnsafe},
		{"a member leads out of the package", append(slices.Clone(good), onboardingtest.Text("../escape", "x")), "path-traversal"},
		{"two images have one name", sol004(onboardingtest.Embed("one", diskImage(1)), onboardingtest.Embed("one", diskImage(2))), ""},
	}
	for _, test := range tests {
		for _, container := range []onboardingtest.Container{onboardingtest.Tar, onboardingtest.Zip} {
			t.Run(test.name+" in a "+string(container), func(t *testing.T) {
				h := newHarness(t)
				before := h.state(t)
				report := h.onboardBytes(t, onboardingtest.Bytes(container, test.members), onboarding.Options{})
				wantStatus(t, report, onboarding.Rejected)
				if test.code != "" {
					wantFinding(t, report, test.code)
				}
				for _, img := range report.Images {
					if img.ID != "" || img.Action != "" {
						t.Errorf("image %s is told to be %s as %s", img.Name, img.Action, img.ID)
					}
				}
				h.wantState(t, before)
			})
		}
	}
}

// backingFile makes a qcow2 image refer to another file.
func backingFile(qcow2 string) string {
	header := []byte(qcow2)
	name := "/etc/passwd"
	copy(header[8:16], []byte{0, 0, 0, 0, 0, 0, 2, 0}) // where the name is: 512
	copy(header[16:20], []byte{0, 0, 0, byte(len(name))})
	copy(header[512:], name)
	return string(header)
}

func TestNothingIsLeftOfATruncatedPackage(t *testing.T) {
	h := newHarness(t)
	before := h.state(t)
	whole := onboardingtest.Bytes(onboardingtest.Tar, firewall(diskImage(1)))
	image := bytes.Index(whole, []byte("images/firewall-image"))
	for name, n := range map[string]int{
		"between two members": image, "within an image": image + 8192, "before the last block": len(whole) - 2048, "within a header": image + 100,
	} {
		t.Run(name, func(t *testing.T) {
			report := h.onboardBytes(t, whole[:n], onboarding.Options{})
			wantStatus(t, report, onboarding.Rejected)
			h.wantState(t, before)
		})
	}
}

func TestNothingIsLeftOfACancelledOnboarding(t *testing.T) {
	h := newHarness(t)
	before := h.state(t)
	members := firewall(onboardingtest.QCOW2(1<<20, 1<<30, 1))
	for _, container := range []onboardingtest.Container{onboardingtest.Tar, onboardingtest.TarGzip, onboardingtest.Zip} {
		t.Run(string(container), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			data := onboardingtest.Bytes(container, members)
			src := onboarding.StreamSource("package", &cancelling{bytes.NewReader(data), int64(len(data)) / 2, cancel})
			report, err := h.Onboard(ctx, src, onboarding.Options{})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v", err)
			}
			wantStatus(t, report, onboarding.Failed)
			h.wantState(t, before)
		})
	}
}

func TestNothingIsLeftOfASourceThatBreaks(t *testing.T) {
	h := newHarness(t)
	before := h.state(t)
	data := onboardingtest.Bytes(onboardingtest.Tar, firewall(diskImage(1)))
	broken := errors.New("the line went dead")
	src := onboarding.StreamSource("package", io.MultiReader(bytes.NewReader(data[:len(data)/2]), brokenReader{broken}))
	report, err := h.Onboard(t.Context(), src, onboarding.Options{})
	if !errors.Is(err, broken) || report.Error == "" {
		t.Errorf("error is %v, report says %q", err, report.Error)
	}
	wantStatus(t, report, onboarding.Failed)
	h.wantState(t, before)
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

// Open Baton told the first error only, and often none.
func TestOneRunTellsAllThatIsWrong(t *testing.T) {
	h := newHarness(t)
	origin := origintest.New()
	defer origin.Close()
	h.mustOnboard(t, packageOf("router", onboardingtest.Embed("taken", diskImage(1))))
	h.mustOnboard(t, packageOf("firewall"))
	raw := onboardingtest.Embed("two", onboardingtest.Raw(64<<10, 2))
	raw.DiskFormat = "qcow2"
	members := packageOf("firewall", onboardingtest.Embed("taken", diskImage(3)), raw,
		onboardingtest.Link("three", origin.URL+"/gone"))
	members = append(members, onboardingtest.Text("images/undescribed", "x"), onboardingtest.Text("../escape", "x"))
	members = replace(members, "vnfd.json", func(s string) string { return strings.Replace(s, `"gangway"`, `"somebody"`, 1) })
	report := h.onboard(t, members, onboarding.Options{})
	wantStatus(t, report, onboarding.Rejected)
	for _, code := range []tosca.Code{
		"path-traversal", tosca.CodeOBVendorDiffers, tosca.CodeImageUndescribed,
		onboarding.CodeImageFormat, onboarding.CodeImageNameTaken, onboarding.CodePackageExists, onboarding.CodeImageURL,
	} {
		wantFinding(t, report, code)
	}
}

// Open Baton held a package in memory, three times over.
func TestMemoryDoesNotGrowWithTheImage(t *testing.T) {
	h := newHarness(t)
	const size = 64 << 20
	members := packageOf("firewall", onboardingtest.Embed("large", onboardingtest.Raw(size, 1)))
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(onboardingtest.Write(writer, onboardingtest.Tar, members)) }()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	report, err := h.Onboard(t.Context(), onboarding.StreamSource("package", reader), onboarding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	wantStatus(t, report, onboarding.Onboarded)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > size/2 {
		t.Errorf("%d bytes were allocated for an image of %d", allocated, size)
	}
}

func TestTheBytesOfAZipAreReadOnce(t *testing.T) {
	h := newHarness(t)
	data := onboardingtest.Bytes(onboardingtest.Zip, firewall(onboardingtest.QCOW2(4<<20, 1<<30, 1)))
	counted := &countedReaderAt{ReaderAt: bytes.NewReader(data)}
	report, err := h.Onboard(t.Context(), onboarding.Source{Name: "package", Open: func(context.Context) (csar.Source, io.Closer, error) {
		return csar.Source{At: counted, Size: int64(len(data))}, io.NopCloser(nil), nil
	}}, onboarding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, report, onboarding.Onboarded)
	if n := counted.n.Load(); n > int64(len(data))*5/4 {
		t.Errorf("%d bytes were read of a package of %d", n, len(data))
	}
}

type countedReaderAt struct {
	io.ReaderAt
	n atomic.Int64
}

func (c *countedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

// Open Baton took one package at a time, and mixed the contents of those that
// came at once.
func TestPackagesThatComeAtOnceDoNotWaitForEachOther(t *testing.T) {
	h := newHarness(t)
	slow := onboardingtest.Bytes(onboardingtest.Zip, onboardingtest.OpenBatonCSAR(onboardingtest.Spec{
		Name: "slow", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("slow-image", diskImage(1))}}))
	reader, writer := io.Pipe()
	ended := make(chan onboarding.Report)
	go func() {
		report, _ := h.Onboard(t.Context(), onboarding.StreamSource("slow", reader), onboarding.Options{})
		ended <- report
	}()
	if _, err := writer.Write(slow[:len(slow)/2]); err != nil {
		t.Fatal(err)
	}
	quick := onboardingtest.Bytes(onboardingtest.Zip, onboardingtest.OpenBatonCSAR(onboardingtest.Spec{
		Name: "quick", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("quick-image", diskImage(2))}}))
	wantStatus(t, h.onboardBytes(t, quick, onboarding.Options{}), onboarding.Onboarded)
	if _, err := writer.Write(slow[len(slow)/2:]); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	wantStatus(t, <-ended, onboarding.Onboarded)
	h.wantState(t, state{
		Packages: map[string][]string{"default gangway/slow 1.0": {"slow-image"}, "default gangway/quick 1.0": {"quick-image"}},
		Images:   map[string]string{"default/slow-image": diskImage(1).SHA256(), "default/quick-image": diskImage(2).SHA256()},
		Files:    2,
	})
}

// Open Baton compared the boolean with the string "true", demanded isPublic,
// which its documentation calls optional, and refused check, which it documents.
func TestTheOlderImageFormMeansWhatItSays(t *testing.T) {
	config := "\nimage-config:\n  name: firewall-image\n  diskFormat: QCOW2\n  containerFormat: BARE\n  minCPU: 1\n  minDisk: 2\n  minRam: 64\n"
	for _, upload := range []string{"true", `"true"`, "check"} {
		t.Run("upload "+upload, func(t *testing.T) {
			h := newHarness(t)
			members := replace(firewall(diskImage(1)), "Metadata.yaml", func(s string) string {
				head, _, _ := strings.Cut(s, "images:")
				return head + "image:\n  upload: " + upload + "\n  names: [firewall-image]" + config
			})
			wantStatus(t, h.onboard(t, members, onboarding.Options{}), onboarding.Onboarded)
			img := h.image(t, "firewall-image")
			if img.SHA256() != diskImage(1).SHA256() || img.MinDisk != 2 || img.MinRAM != 64 || img.IsPublic {
				t.Errorf("image is %+v", img)
			}
		})
	}
}

func TestAPackageGetsTheIDThatItsCallerChose(t *testing.T) {
	h := newHarness(t)
	id := imagerepo.NewID()
	report := h.onboard(t, firewall(diskImage(1)), onboarding.Options{PackageID: id})
	wantStatus(t, report, onboarding.Onboarded)
	if report.Package.ID != id {
		t.Errorf("package has ID %s, not %s", report.Package.ID, id)
	}
	again := h.onboard(t, firewall(diskImage(1)), onboarding.Options{PackageID: imagerepo.NewID()})
	wantStatus(t, again, onboarding.Unchanged)
	if again.Package.ID != id {
		t.Errorf("the same package once more has ID %s, not %s", again.Package.ID, id)
	}
}

// A cloud would refuse the format that nobody knows, at launch.
func TestTheFormatThatNobodyKnowsIsFoundFromTheBytes(t *testing.T) {
	h := newHarness(t)
	odd := onboardingtest.Embed("odd", diskImage(1))
	odd.DiskFormat, odd.ContainerFormat = "img", "none"
	report := h.mustOnboard(t, packageOf("firewall", odd))
	if img := h.image(t, "odd"); img.DiskFormat != "qcow2" || img.ContainerFormat != "bare" {
		t.Errorf("image is %s in %s; findings:\n%s", img.DiskFormat, img.ContainerFormat, text(report.Findings))
	}
}
