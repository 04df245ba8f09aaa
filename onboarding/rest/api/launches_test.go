package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// watch reads a stream of events to its end and returns them as "number type data".
func (f *fixture) watch(t *testing.T, path string, after int) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", f.URL+path, nil)
	resttest.NoError(t, err)
	req.Header.Set("X-Auth-Token", "red-reader")
	if after > 0 {
		req.Header.Set("Last-Event-ID", fmt.Sprint(after))
	}
	resp, err := f.Client().Do(req)
	resttest.NoError(t, err)
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("events: %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	var events []string
	var event []string
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
		case "id", "event", "data":
			event = append(event, value)
		case "":
			if len(event) > 0 {
				events = append(events, strings.Join(event, " "))
			}
			event = nil
		}
	}
	resttest.NoError(t, lines.Err())
	return events
}

func launchOf(pkg string, vims ...string) map[string]any {
	return map[string]any{"package": pkg, "vims": vims}
}

func TestTheLaunchHook(t *testing.T) {
	f := start(t)
	id := f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))

	first := f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one", "region-two")).Want(t, 200)
	report := resttest.Into[onboarding.LaunchReport](t, first)
	for _, on := range report.VIMs {
		if got := on.VDUs[0].Image; got.Action != vim.Uploaded || !got.Verified || got.ID == "" {
			t.Errorf("on %s: %+v", on.VIM, got)
		}
	}
	if report.Package.ID != id || len(report.VIMAssets.SoftwareImages) != 2 {
		t.Errorf("report is %+v", report)
	}
	at := strings.TrimPrefix(first.Header.Get("Location"), f.URL)
	operation := resttest.Into[view.Launch](t, f.Do(t, "GET", at, nil, "X-Auth-Token: red-reader").Want(t, 200))
	if d := cmp.Diff(&report, operation.Report); d != "" || operation.State != job.Succeeded {
		t.Errorf("operation is %s (-want +got):\n%s", operation.State, d)
	}

	written := map[string]any{"vims": []string{"region-two"}, "vdus": []any{
		map[string]any{"name": "vdu", "images": []string{"nowhere", "image"}, "softwareImageId": "sw"}}}
	report = resttest.Into[onboarding.LaunchReport](t, f.Do(t, "POST", "/api/v1/launches", written).Want(t, 200))
	if got := report.VIMs[0].VDUs[0].Image; got.Action != vim.Present || !got.Verified ||
		report.Package != nil || report.VIMAssets.SoftwareImages[0].VNFDSoftwareImageID != "sw" {
		t.Errorf("with VDUs written out: %+v", report)
	}
	list := resttest.Into[[]view.Launch](t, f.Do(t, "GET", "/api/v1/launches", nil).Want(t, 200))
	if len(list) != 2 || list[1].ID != operation.ID {
		t.Errorf("launches are %+v", list)
	}
}

func TestALaunchThatNobodyWaitsFor(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	begun := f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one"), "Prefer: respond-async").Want(t, 202)
	if got := begun.Header.Get("Preference-Applied"); got != "respond-async" {
		t.Errorf("Preference-Applied: %s", got)
	}
	at := strings.TrimPrefix(begun.Header.Get("Location"), f.URL)
	events := f.watch(t, at+"/events", 0)
	if n := len(events); n < 3 || !strings.Contains(events[n-1], `"state":"succeeded"`) || !strings.Contains(events[n-1], "vimAssets") {
		t.Fatalf("events are %q", events)
	}
	if d := cmp.Diff(events[1:], f.watch(t, at+"/events", 1)); d != "" {
		t.Errorf("events after the first (-want +got):\n%s", d)
	}
	if rest := f.watch(t, at+"/events", len(events)); rest != nil {
		t.Errorf("events after the last: %q", rest)
	}
	if got := resttest.Into[view.Launch](t, f.Do(t, "GET", at, nil).Want(t, 200)); got.Report.VIMs[0].VDUs[0].Image.Action != vim.Uploaded {
		t.Errorf("operation is %+v", got)
	}
}

func TestHEADDoesNotWaitForEvents(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<30, 1)))
	release := make(chan struct{})
	defer close(release)
	f.cloud.Inject(glancetest.Fault{Route: glancetest.Upload, Do: func(*http.Request) { <-release }})
	begun := f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one"), "Prefer: respond-async").Want(t, 202)
	conn, err := net.Dial("tcp", f.Listener.Addr().String())
	resttest.NoError(t, err)
	defer conn.Close()
	resttest.NoError(t, conn.SetDeadline(time.Now().Add(5*time.Second))) // or else for ever
	_, err = fmt.Fprintf(conn, "HEAD %s/events HTTP/1.1\r\nHost: x\r\nX-Auth-Token: red-reader\r\nConnection: close\r\n\r\n",
		strings.TrimPrefix(begun.Header.Get("Location"), f.URL))
	resttest.NoError(t, err)
	answer, err := io.ReadAll(conn) // until the handler has ended
	if err != nil || !strings.Contains(string(answer), "text/event-stream") {
		t.Errorf("answered: %s, %v", answer, err)
	}
}

func TestALaunchTellsWhatItIsOfAndWhichUploadsAreUnderWay(t *testing.T) {
	f := startWith(t, 0)
	const size = 24 << 20 // more than connections hold
	id := f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(size, 1<<30, 1)))
	release := make(chan struct{})
	f.cloud.Inject(glancetest.Fault{Route: glancetest.Upload, AfterBytes: 1 << 20, Do: func(*http.Request) { <-release }})
	begun := f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one"), "Prefer: respond-async").Want(t, 202)
	at := strings.TrimPrefix(begun.Header.Get("Location"), f.URL)
	first := resttest.Into[view.Launch](t, begun)
	if first.Package == nil || first.Package.ID != id || first.Package.Name != "firewall" || first.Package.Version == "" || first.DryRun || first.By != "token red-writer" {
		t.Errorf("begun is %+v of %+v", first, first.Package)
	}
	if d := cmp.Diff([]string{"region-one"}, first.VIMs); d != "" {
		t.Errorf("VIMs (-want +got):\n%s", d)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", f.URL+at+"/events", nil)
	resttest.NoError(t, err)
	req.Header.Set("X-Auth-Token", "red-reader")
	resp, err := f.Client().Do(req)
	resttest.NoError(t, err)
	defer resp.Body.Close()
	var parts job.Progress
	lines := bufio.NewScanner(resp.Body)
	for len(parts.Parts) == 0 && lines.Scan() {
		if data, found := strings.CutPrefix(lines.Text(), "data: "); found && strings.Contains(data, `"parts"`) {
			parts = resttest.Into[job.Progress](t, resttest.Answer{Text: data})
		}
	}
	if len(parts.Parts) != 1 || parts.Parts[0].At != "region-one" || parts.Parts[0].What != "image" || parts.Parts[0].Total != size ||
		parts.Parts[0].Done <= 0 || parts.Parts[0].Done >= size {
		t.Errorf("under way are %+v", parts)
	}
	listed := resttest.Into[[]view.Launch](t, f.Do(t, "GET", "/api/v1/launches", nil).Want(t, 200))
	if d := cmp.Diff(first.Package, listed[0].Package); d != "" || len(listed[0].Progress.Parts) != 1 {
		t.Errorf("listed with %+v (-want +got):\n%s", listed[0].Progress, d)
	}
	close(release)
	f.watch(t, at+"/events", 0)
	if ended := resttest.Into[view.Launch](t, f.Do(t, "GET", at, nil).Want(t, 200)); ended.State != job.Succeeded || len(ended.Progress.Parts) != 0 || ended.Progress.Done != size {
		t.Errorf("ended: %+v", ended)
	}
	shown := resttest.Into[job.Job](t, f.Do(t, "GET", "/api/v1/jobs/"+first.ID, nil).Want(t, 200))
	if want := first.Package.String(); shown.Title != want || shown.Payload != nil {
		t.Errorf("the job is called %q, want %q, with the payload %s", shown.Title, want, shown.Payload)
	}
	planned := launchOf("", "region-one")
	planned["vdus"], planned["dryRun"] = []any{map[string]any{"name": "vdu", "images": []string{"image"}}}, true
	f.Do(t, "POST", "/api/v1/launches", planned).Want(t, 200)
	listed = resttest.Into[[]view.Launch](t, f.Do(t, "GET", "/api/v1/launches", nil).Want(t, 200))
	if !listed[0].DryRun || listed[0].Package != nil {
		t.Errorf("a plan of VDUs is listed as %+v", listed[0])
	}
}

func TestJobsHaveATitle(t *testing.T) {
	f := start(t)
	for path, body := range map[string]any{
		"/api/v1/packages?name=some/firewall.tar": "no archive",
		"/api/v1/packages":                        map[string]any{"url": "http://127.0.0.1:1/router.csar?signature=secret", "password": "secret"},
		"/api/v1/images":                          map[string]any{"name": "cirros", "url": "http://127.0.0.1:1/cirros"},
	} {
		f.Do(t, "POST", path, body).Want(t, 202)
	}
	titles := make(map[string]string)
	for _, j := range resttest.Into[[]job.Job](t, f.Do(t, "GET", "/api/v1/jobs", nil).Want(t, 200)) {
		titles[string(j.Kind)] = j.Title
	}
	want := map[string]string{"onboard": "firewall.tar", "fetch": fetch.Redact("http://127.0.0.1:1/router.csar?signature=secret"), "image": "cirros"}
	if d := cmp.Diff(want, titles); d != "" || strings.Contains(titles["fetch"], "secret") {
		t.Errorf("titles (-want +got):\n%s", d)
	}
}

func TestALaunchThatTakesLongerThanTheClientWaits(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	release := make(chan struct{})
	f.cloud.Inject(glancetest.Fault{Route: glancetest.Upload, Do: func(*http.Request) { <-release }})
	begun := f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one"), "Prefer: wait=1").Want(t, 202)
	if got := resttest.Into[view.Launch](t, begun); got.State != job.Running {
		t.Errorf("operation is %+v", got)
	}
	close(release)
	f.watch(t, strings.TrimPrefix(begun.Header.Get("Location"), f.URL)+"/events", 0)
	f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one"), "Prefer: wait=30").Want(t, 200)
}

func TestARepeatedLaunchJoinsTheFirst(t *testing.T) {
	f := start(t)
	id := f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	f.onboard(t, "router", onboardingtest.Embed("other", onboardingtest.QCOW2(384<<10, 1<<20, 2)))
	key := "Idempotency-Key: 7"
	var calls sync.WaitGroup
	at := make([]string, 5)
	for i := range at {
		calls.Go(func() {
			at[i] = f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one"), key).Want(t, 200).Header.Get("Location")
		})
	}
	calls.Wait()
	for i := range at {
		if at[i] != at[0] {
			t.Errorf("operations are %q", at)
		}
	}
	f.Do(t, "POST", "/api/v1/launches", launchOf("router", "region-one"), key).Want(t, 422)
	f.Do(t, "DELETE", "/api/v1/packages/"+id, nil).Want(t, 200)
	if again := f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one"), key).Want(t, 200); again.Header.Get("Location") != at[0] {
		t.Errorf("once the package is deleted it is another: %s", again.Header.Get("Location"))
	}
	f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one")).Want(t, 404)
	if n := len(f.cloud.Glance("RegionOne").Images()); n != 1 {
		t.Errorf("the VIM has %d images", n)
	}
}

func TestAProjectHasSoManyLaunchesAtOnce(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	release := make(chan struct{})
	f.cloud.Inject(glancetest.Fault{Route: glancetest.Upload, Do: func(*http.Request) { <-release }})
	launch := func(status int, header ...string) resttest.Answer {
		return f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one"), header...).Want(t, status)
	}
	first := launch(202, "Prefer: wait=1", "Idempotency-Key: 1")
	second := launch(202, "Prefer: wait=1")
	refused := launch(429, "Prefer: wait=1")
	if detail := resttest.Into[rest.Problem](t, refused).Detail; refused.Header.Get("Retry-After") != "5" || !strings.Contains(detail, "2 jobs") || !strings.Contains(detail, "respond-async") {
		t.Errorf("it says %q, and %v", detail, refused.Header)
	}
	if joined := launch(202, "Prefer: wait=1", "Idempotency-Key: 1"); joined.Header.Get("Location") != first.Header.Get("Location") {
		t.Errorf("who joins the first is led to %s", joined.Header.Get("Location"))
	}
	third := launch(202, "Prefer: respond-async")
	close(release)
	for _, begun := range []resttest.Answer{first, second, third} {
		f.watch(t, strings.TrimPrefix(begun.Header.Get("Location"), f.URL)+"/events", 0)
	}
	launch(200)
}

func TestALaunchThatCannotBe(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	f.onboard(t, "needy")
	f.cloud.Inject(glancetest.Fault{Route: glancetest.Upload, Region: "RegionTwo", Times: -1, Status: 413, Text: "quota"})
	for name, test := range map[string]struct {
		ask    any
		status int
		detail string
	}{
		"no package of that name":    {launchOf("router", "region-one"), 404, "router"},
		"no VIM of that name":        {launchOf("firewall", "region-nine"), 422, "region-nine"},
		"no VIM":                     {launchOf("firewall"), 422, "VIM"},
		"a VIM that is named twice":  {launchOf("firewall", "region-one", "region-two", "region-one"), 422, "twice"},
		"a VDU without an image":     {map[string]any{"vims": []string{"region-one"}, "vdus": []any{map[string]any{"name": "vdu"}}}, 422, "validation"},
		"neither package nor VDUs":   {map[string]any{"vims": []string{"region-one"}}, 422, "package"},
		"an image that nobody has":   {launchOf("needy", "region-one"), 422, "cirros"},
		"a VIM that takes no upload": {launchOf("firewall", "region-two"), 502, "quota"},
		"no JSON":                    {"package=firewall", 415, "validation"},
	} {
		t.Run(name, func(t *testing.T) {
			p := resttest.Into[rest.Problem](t, f.Do(t, "POST", "/api/v1/launches", test.ask).Want(t, test.status))
			if !strings.Contains(p.Detail, test.detail) {
				t.Errorf("problem is %+v", p)
			}
		})
	}
}

func TestALaunchThatFetchesMoreThanTheProjectMayHave(t *testing.T) {
	f := startWith(t, 600<<10) // one image, and not two
	f.Do(t, "PUT", "/api/v1/images/first", disk(t, 1)).Want(t, 201)
	origin := origintest.New()
	t.Cleanup(origin.Close)
	f.Do(t, "POST", "/api/v1/images", map[string]any{"name": "second", "images": "reference",
		"url": origin.Serve("/image.qcow2", origintest.Plain(disk(t, 2)))}, "Prefer: wait=30").Want(t, 200)
	ask := map[string]any{"vims": []string{"region-one"}, "vdus": []any{map[string]any{"name": "vdu", "images": []string{"second"}}}}
	p := resttest.Into[rest.Problem](t, f.Do(t, "POST", "/api/v1/launches", ask).Want(t, 413))
	if !strings.Contains(p.Detail, "red") {
		t.Errorf("problem is %+v", p)
	}
}

func TestAPackageThatIsDisabledIsNotLaunched(t *testing.T) {
	f := start(t)
	id := f.onboard(t, "firewall")
	disabled := vnfpkg.Disabled
	_, err := f.Packages.Update(t.Context(), "red", id, vnfpkg.Change{Operational: &disabled})
	resttest.NoError(t, err)
	p := resttest.Into[rest.Problem](t, f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one")).Want(t, 409))
	if !strings.Contains(p.Detail, "DISABLED") {
		t.Errorf("problem is %+v", p)
	}
}

func TestAListOfJobsHasNoResults(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one")).Want(t, 200)
	listed := resttest.Into[[]job.Job](t, f.Do(t, "GET", "/api/v1/jobs", nil).Want(t, 200))
	if len(listed) != 1 || listed[0].Result != nil {
		t.Fatalf("list is %+v", listed)
	}
	if shown := resttest.Into[job.Job](t, f.Do(t, "GET", "/api/v1/jobs/"+listed[0].ID, nil).Want(t, 200)); shown.Result == nil {
		t.Errorf("job is %+v", shown)
	}
}

func TestJobsOfOthersAreNotThere(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	id := resttest.Into[view.Launch](t, f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one"), "Prefer: respond-async").Want(t, 202)).ID
	for _, path := range []string{"/api/v1/jobs/" + id, "/api/v1/jobs/" + id + "/events", "/api/v1/launches/" + id, "/api/v1/launches/" + id + "/events"} {
		f.Do(t, "GET", path, nil, "X-Auth-Token: blue-admin").Want(t, 404)
	}
	f.Do(t, "POST", "/api/v1/jobs/"+id+"/cancel", nil, "X-Auth-Token: blue-admin").Want(t, 404)
	f.Do(t, "POST", "/api/v1/jobs/"+id+"/cancel", nil, "X-Auth-Token: red-reader").Want(t, 403)
	if list := resttest.Into[[]job.Job](t, f.Do(t, "GET", "/api/v1/jobs", nil, "X-Auth-Token: blue-admin").Want(t, 200)); len(list) > 0 {
		t.Errorf("blue sees %+v", list)
	}
	f.Do(t, "GET", "/api/v1/jobs?all=true", nil, "X-Auth-Token: red-admin").Want(t, 403)
	list := resttest.Into[[]job.Job](t, f.Do(t, "GET", "/api/v1/jobs?all=true&kind=launch", nil, "X-Auth-Token: root").Want(t, 200))
	if len(list) != 1 || list[0].ID != id || list[0].By != "token red-writer" || list[0].Payload != nil {
		t.Errorf("root sees %+v", list)
	}
}

func TestAJobOfAllProjectsIsCancelledByWhoMayThere(t *testing.T) {
	f := start(t)
	j, err := f.Queue.Add(t.Context(), job.New{Project: access.AllProjects, Kind: operation.KindDoctor, NotBefore: time.Now().Add(time.Hour)})
	resttest.NoError(t, err)
	f.Do(t, "POST", "/api/v1/jobs/"+j.ID+"/cancel", nil, "X-Auth-Token: red-admin").Want(t, 404)
	f.Audit.Take()
	f.Do(t, "POST", "/api/v1/jobs/"+j.ID+"/cancel", nil, "X-Auth-Token: root", "Project-Id: red").Want(t, 200)
	if events := f.Audit.Take(); len(events) != 1 || events[0].Project != access.AllProjects || events[0].Outcome != access.Done {
		t.Errorf("audited is %+v", events)
	}
}

func TestAJobIsCancelled(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	f.cloud.Inject(glancetest.Fault{Route: glancetest.Upload, Hang: true, AfterBytes: glancetest.WholeBody})
	id := resttest.Into[view.Launch](t, f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one"), "Prefer: respond-async").Want(t, 202)).ID
	f.Do(t, "POST", "/api/v1/jobs/"+id+"/cancel", nil).Want(t, 200)
	events := f.watch(t, "/api/v1/jobs/"+id+"/events", 0)
	if last := events[len(events)-1]; !strings.Contains(last, `"state":"cancelled"`) {
		t.Errorf("events are %q", events)
	}
	list := resttest.Into[[]job.Job](t, f.Do(t, "GET", "/api/v1/jobs?state=cancelled,failed", nil).Want(t, 200))
	if len(list) != 1 || list[0].ID != id {
		t.Errorf("cancelled jobs are %+v", list)
	}
}

func TestPlansAreListedApartFromLaunches(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	plan := launchOf("firewall", "region-one")
	plan["dryRun"] = true
	report := resttest.Into[onboarding.LaunchReport](t, f.Do(t, "POST", "/api/v1/launches", plan).Want(t, 200))
	if got := report.VIMs[0].VDUs[0].Image; got.Action != vim.Planned || got.Size != 384<<10 {
		t.Errorf("the plan is %+v", got)
	}
	f.Do(t, "POST", "/api/v1/launches", launchOf("firewall", "region-one")).Want(t, 200)
	f.Do(t, "POST", "/api/v1/launches", plan).Want(t, 200)
	for query, want := range map[string][]bool{"": {true, false, true}, "?dryRun=false&limit=1": {false}, "?dryRun=true&limit=2": {true, true}} {
		answer := f.Do(t, "GET", "/api/v1/launches"+query, nil).Want(t, 200)
		var got []bool
		for _, l := range resttest.Into[[]view.Launch](t, answer) {
			got = append(got, l.DryRun)
		}
		if d := cmp.Diff(want, got); d != "" || answer.Header.Get("Link") != "" {
			t.Errorf("%s lists (-want +got), linking to %q:\n%s", query, answer.Header.Get("Link"), d)
		}
	}
}
