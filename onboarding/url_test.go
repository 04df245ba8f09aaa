package onboarding_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
)

func newOrigin(t *testing.T) *origintest.Origin {
	origin := origintest.New()
	t.Cleanup(origin.Close)
	return origin
}

func content(image onboardingtest.Image) []byte {
	data, err := io.ReadAll(image.Reader())
	if err != nil {
		panic(err)
	}
	return data
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// Open Baton fetched images at each launch anew, and took whatever came.
func TestAnImageByURLIsFetchedOnceAndKept(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	image := diskImage(1)
	url := origin.Serve("/image.qcow2", origintest.Plain(content(image)))
	members := packageOf("firewall", onboardingtest.Link("firewall-image", url))
	report := h.mustOnboard(t, members)
	wantActions(t, report, map[string]onboarding.Action{"firewall-image": onboarding.Stored})
	img := h.image(t, "firewall-image")
	if img.SHA256() != image.SHA256() || img.Source.URL != url || img.Source.ETag == "" {
		t.Errorf("image is %+v", img)
	}
	before, sent := h.state(t), origin.Sent()

	report = h.onboard(t, members, onboarding.Options{})
	wantStatus(t, report, onboarding.Unchanged)
	wantActions(t, report, map[string]onboarding.Action{"firewall-image": onboarding.Reused})
	h.wantState(t, before)

	report = h.onboard(t, packageOf("router", onboardingtest.Link("router-image", url)), onboarding.Options{})
	wantStatus(t, report, onboarding.Onboarded)
	wantActions(t, report, map[string]onboarding.Action{"router-image": onboarding.Reused})
	if inode(t, h.Repository.Location(img.ID)) != inode(t, h.Repository.Location(report.Images[0].ID)) {
		t.Error("the same content is in two files")
	}
	if more := origin.Sent() - sent; more > 0 {
		t.Errorf("%d bytes were fetched again", more)
	}
}

func TestChangedContentBehindAURLIsAConflict(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	url := origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
	members := packageOf("firewall", onboardingtest.Link("firewall-image", url))
	h.mustOnboard(t, members)
	before := h.state(t)
	origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(2))))

	report := h.onboard(t, members, onboarding.Options{})
	wantStatus(t, report, onboarding.Rejected)
	f := wantFinding(t, report, onboarding.CodeImageURLChanged)
	if !strings.Contains(f.Message, "the content behind the URL changed") ||
		f.Expected != "sha256:"+diskImage(1).SHA256() || f.Found != "sha256:"+diskImage(2).SHA256() {
		t.Errorf("finding is %s, expected %s, found %s", f, f.Expected, f.Found)
	}
	h.wantState(t, before)

	report = h.onboard(t, members, onboarding.Options{OnConflict: onboarding.Keep})
	wantStatus(t, report, onboarding.Unchanged)
	wantActions(t, report, map[string]onboarding.Action{"firewall-image": onboarding.Kept})
	if f := wantFinding(t, report, onboarding.CodeImageURLChanged); f.Severity != tosca.Warning {
		t.Errorf("finding is %s", f)
	}
	h.wantState(t, before)
}

func TestAnImageThatIsThereOutlivesItsOrigin(t *testing.T) {
	for name, fault := range map[string]origintest.Fault{
		"the origin is down":           origintest.Status(503),
		"the file is gone":             origintest.Status(404),
		"there is a page in its stead": origintest.Body("text/html", "<html><body>moved</body></html>"),
	} {
		t.Run(name, func(t *testing.T) {
			h, origin := newHarness(t), newOrigin(t)
			url := origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
			h.mustOnboard(t, packageOf("firewall", onboardingtest.Link("firewall-image", url)))
			origin.Serve("/image.qcow2", origintest.File{Always: fault})
			report := h.onboard(t, packageOf("router", onboardingtest.Link("firewall-image", url)), onboarding.Options{})
			wantStatus(t, report, onboarding.Onboarded)
			wantActions(t, report, map[string]onboarding.Action{"firewall-image": onboarding.Reused})
			if f := wantFinding(t, report, onboarding.CodeImageURLUnchecked); f.Severity != tosca.Warning {
				t.Errorf("finding is %s", f)
			}
		})
	}
}

// Open Baton could take an error page for an image.
func TestAURLThatDeliversNoImageRefusesThePackage(t *testing.T) {
	page := "<!DOCTYPE html><html><body>Not here</body></html>"
	image := content(diskImage(1))
	tests := map[string]struct {
		file origintest.File
		code tosca.Code
	}{
		"a page with status 200": {origintest.File{Always: origintest.Body("text/html", page)}, onboarding.CodeImageURL},
		"a page called an image": {origintest.File{Always: origintest.Body("application/octet-stream", page)}, onboarding.CodeImageURL},
		"nothing there":          {origintest.File{Always: origintest.Status(404)}, onboarding.CodeImageURL},
		"an empty file":          {origintest.Plain(nil), onboarding.CodeImageURL},
		"another format":         {origintest.Plain(image[4096:]), onboarding.CodeImageFormat},
		"an overlay":             {origintest.Plain([]byte(backingFile(string(image)))), onboarding.CodeImageUnsafe},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h, origin := newHarness(t), newOrigin(t)
			before := h.state(t)
			url := origin.Serve("/image.qcow2", test.file)
			report := h.onboard(t, packageOf("firewall", onboardingtest.Embed("other", diskImage(2)), onboardingtest.Link("firewall-image", url)), onboarding.Options{})
			wantStatus(t, report, onboarding.Rejected)
			wantFinding(t, report, test.code)
			h.wantState(t, before)
		})
	}
}

func TestAPrivateAddressIsRefusedUnlessItIsPermitted(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	before := h.state(t)
	h.Fetch = newClient(t, fetch.Options{})
	url := origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
	report := h.onboard(t, packageOf("firewall", onboardingtest.Link("firewall-image", url)), onboarding.Options{})
	wantStatus(t, report, onboarding.Rejected)
	wantFinding(t, report, onboarding.CodeImageURL)
	h.wantState(t, before)
	if n := len(origin.Requests()); n > 0 {
		t.Errorf("the origin saw %d requests", n)
	}
}

func TestAnOriginThatIsDownFailsTheOnboardingAndLeavesNothing(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	before := h.state(t)
	url := origin.Serve("/image.qcow2", origintest.File{Always: origintest.Drop()})
	data := onboardingtest.Bytes(onboardingtest.Tar, packageOf("firewall", onboardingtest.Embed("other", diskImage(2)), onboardingtest.Link("firewall-image", url)))
	report, err := h.Onboard(t.Context(), stream(data), onboarding.Options{})
	if err == nil {
		t.Error("no error")
	}
	wantStatus(t, report, onboarding.Failed)
	h.wantState(t, before)
}

func TestAReferenceIsNoCopyOfWhatItsOriginDoesNotDeliver(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	url := origin.Serve("/image.qcow2", origintest.File{Always: origintest.Drop()})
	data := onboardingtest.Bytes(onboardingtest.Tar, packageOf("firewall", onboardingtest.Link("firewall-image", url)))
	wantStatus(t, h.onboardBytes(t, data, onboarding.Options{Images: onboarding.Reference}), onboarding.Onboarded)
	report, err := h.Onboard(t.Context(), stream(data), onboarding.Options{})
	if err == nil {
		t.Error("no error")
	}
	wantStatus(t, report, onboarding.Failed)
}

func TestABrokenTransferGoesOn(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	url := origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1)), origintest.CutAfter(100_000), origintest.CutAfter(50_000)))
	h.mustOnboard(t, packageOf("firewall", onboardingtest.Link("firewall-image", url)))
	if got := h.image(t, "firewall-image").SHA256(); got != diskImage(1).SHA256() {
		t.Errorf("digest is %s", got)
	}
}

func TestACompressedSourceIsDecompressed(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	packed := gzipped(content(diskImage(1)))
	url := origin.Serve("/image.qcow2.gz", origintest.Plain(packed))
	h.mustOnboard(t, packageOf("firewall", onboardingtest.Link("firewall-image", url)))
	img := h.image(t, "firewall-image")
	if img.SHA256() != diskImage(1).SHA256() || img.Size != diskImage(1).Size() || img.DiskFormat != "qcow2" {
		t.Errorf("image is %+v", img)
	}
}

func TestAStatedDigestOfAnImageByURLHolds(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	image := diskImage(1)
	url := origin.Serve("/image.qcow2", origintest.Plain(content(image)))
	stating := func(digest, version string) []onboardingtest.Member {
		linked := onboardingtest.Link("firewall-image", url)
		linked.SHA256 = digest
		return onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall", Version: version, Images: []onboardingtest.SoftwareImage{linked}})
	}
	wrong := strings.Repeat("0", 64)
	before := h.state(t)
	report := h.onboard(t, stating(wrong, "1.0"), onboarding.Options{})
	wantStatus(t, report, onboarding.Rejected)
	wantFinding(t, report, onboarding.CodeImageChecksum)
	h.wantState(t, before)

	h.mustOnboard(t, stating(image.SHA256(), "1.0"))
	before, sent := h.state(t), origin.Sent()
	wantStatus(t, h.onboard(t, stating(image.SHA256(), "1.0"), onboarding.Options{}), onboarding.Unchanged)
	if more := origin.Sent() - sent; more > 0 {
		t.Errorf("%d bytes were fetched again", more)
	}
	// The copy that is there is current, and does not prove another digest.
	report = h.onboard(t, stating(wrong, "2.0"), onboarding.Options{})
	wantStatus(t, report, onboarding.Rejected)
	wantFinding(t, report, onboarding.CodeImageChecksum)
	h.wantState(t, before)
}

func TestAReferenceStoresTheURLAlone(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	url := origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
	members := packageOf("firewall", onboardingtest.Link("firewall-image", url))
	report := h.onboard(t, members, onboarding.Options{Images: onboarding.Reference})
	wantStatus(t, report, onboarding.Onboarded)
	wantActions(t, report, map[string]onboarding.Action{"firewall-image": onboarding.Referenced})
	if n := len(origin.Requests()); n > 0 {
		t.Errorf("the origin saw %d requests", n)
	}
	report = h.onboard(t, members, onboarding.Options{Images: onboarding.Reference})
	wantStatus(t, report, onboarding.Unchanged)

	id := h.image(t, "firewall-image").ID
	report = h.onboard(t, members, onboarding.Options{})
	wantStatus(t, report, onboarding.Onboarded)
	wantActions(t, report, map[string]onboarding.Action{"firewall-image": onboarding.Stored})
	if img := h.image(t, "firewall-image"); img.ID != id || img.SHA256() != diskImage(1).SHA256() || img.Source.ETag == "" {
		t.Errorf("image is %+v, was %s", img, id)
	}
	wantStatus(t, h.onboard(t, members, onboarding.Options{Images: onboarding.Reference}), onboarding.Unchanged)
}

func TestADryRunFetchesAndStoresNothing(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	h.mustOnboard(t, packageOf("router", onboardingtest.Embed("shared", diskImage(3))))
	before := h.state(t)
	good := origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
	members := packageOf("firewall", onboardingtest.Embed("shared", diskImage(3)), onboardingtest.Embed("own", diskImage(2)), onboardingtest.Link("linked", good))
	report := h.onboard(t, members, onboarding.Options{DryRun: true})
	wantStatus(t, report, onboarding.Valid)
	wantActions(t, report, map[string]onboarding.Action{"shared": onboarding.Reused, "own": onboarding.Stored, "linked": onboarding.Stored})
	if report.Package.ID != "" || report.Images[0].ID != "" {
		t.Errorf("a dry run tells IDs: %+v", report)
	}
	h.wantState(t, before)

	page := origin.Serve("/page", origintest.File{Always: origintest.Status(404)})
	report = h.onboard(t, packageOf("firewall", onboardingtest.Embed("shared", diskImage(4)), onboardingtest.Link("linked", page)), onboarding.Options{DryRun: true})
	wantStatus(t, report, onboarding.Rejected)
	wantFinding(t, report, onboarding.CodeImageNameTaken)
	wantFinding(t, report, onboarding.CodeImageURL)
	h.wantState(t, before)
	wantStatus(t, h.onboard(t, packageOf("router", onboardingtest.Embed("shared", diskImage(3))), onboarding.Options{DryRun: true}), onboarding.Unchanged)
}

func TestCancellingAFetchLeavesNothing(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	before := h.state(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	url := origin.Serve("/image.qcow2", origintest.File{Always: func(w http.ResponseWriter, r *http.Request, f origintest.File) {
		cancel()
		<-r.Context().Done()
	}})
	data := onboardingtest.Bytes(onboardingtest.Tar, packageOf("firewall", onboardingtest.Embed("other", diskImage(2)), onboardingtest.Link("firewall-image", url)))
	report, err := h.Onboard(ctx, stream(data), onboarding.Options{})
	if err == nil {
		t.Error("no error")
	}
	wantStatus(t, report, onboarding.Failed)
	h.wantState(t, before)
}

func TestFindingsHideTheSecretsOfURLs(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(2))))
	url := strings.Replace(origin.URL, "http://", "http://user:hush@", 1) + "/image.qcow2?token=hush"
	for _, images := range []onboarding.URLImages{onboarding.Fetch, onboarding.Reference} {
		report := h.onboard(t, packageOf("router", onboardingtest.Link("firewall-image", url)), onboarding.Options{Images: images})
		wantStatus(t, report, onboarding.Rejected)
		for _, f := range report.Findings {
			if strings.Contains(f.String()+f.Expected+f.Found, "hush") {
				t.Errorf("finding tells a secret: %+v", f)
			}
		}
	}
}

func TestAPackageComesFromAURL(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	for i, container := range []onboardingtest.Container{onboardingtest.TarGzip, onboardingtest.Zip} {
		t.Run(string(container), func(t *testing.T) {
			image := diskImage(uint64(i))
			url := origin.Serve("/package."+string(container), origintest.Plain(onboardingtest.Bytes(container, firewall(image)), origintest.CutAfter(90_000)))
			report, err := h.Onboard(t.Context(), onboarding.URLSource(url, h.Fetch), onboarding.Options{Project: string(container)})
			if err != nil {
				t.Fatal(err)
			}
			wantStatus(t, report, onboarding.Onboarded)
			want := []onboarding.ImageReport{{ID: report.Images[0].ID, Name: "firewall-image", Size: image.Size(),
				Digests: imagerepo.Digests{imagerepo.SHA256: image.SHA256()}, Action: onboarding.Stored}}
			if diff := cmp.Diff(want, report.Images); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPackageFromAURLIsOpenedLikeAFile(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	var twice bytes.Buffer
	zw := gzip.NewWriter(&twice)
	if _, err := zw.Write(onboardingtest.Bytes(onboardingtest.TarGzip, firewall(diskImage(1)))); err != nil {
		t.Fatal(err)
	}
	closeNow(t, zw)
	url := origin.Serve("/package.tar.gz.gz", origintest.Plain(twice.Bytes()))
	report, err := h.Onboard(t.Context(), onboarding.URLSource(url, h.Fetch), onboarding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, report, onboarding.Rejected)
	wantFinding(t, report, csar.CodeNested)
}
