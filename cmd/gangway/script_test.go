package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gangway": main})
}

// TestScript runs testdata/script: the commands as users type them. -update
// writes the golden files in the scripts anew. Beside what testscript has, a
// script can
//
//	exits CODE gangway ARG...         run gangway and check its exit code
//	package KIND FILE NAME IMAGE...   make a package, see [scriptPackage]
//	image FILE SEED                   make a qcow2 image
//	openstack                         start a cloud, see [scriptOpenStack]
//	holds N NAME                      check how many ACTIVE images of a name both regions have
//	origin FILE...                    serve files at $ORIGIN/FILE; again, to change them;
//	                                  FILE,busy is refused with 503 once
//	damage NAME                       change a byte of the stored file of an image
//	job NAME PROJECT KIND SUBJECT     add a job and set NAME to its ID
//	work                              run jobs until the script ends, see [scriptWork]
//	serve ARG...                      serve the home, see [scriptServe]
//	same gangway ARG...               compare home and server, see [scriptSame]
//	scrub FILE                        keep the last standard output, see [scrub]
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "data"))
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("GANGWAY_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("GANGWAY_ALLOW_SOURCE", "127.0.0.1")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else every command under the race detector takes a second
			env.Setenv("ESC", "\x1b")
			env.Setenv("CSI", "\u009b") // which is ESC [ in one
			env.Values["servers"] = &servers{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     scriptExits,
			"package":   scriptPackage,
			"image":     scriptImage,
			"openstack": scriptOpenStack,
			"holds":     scriptHolds,
			"damage":    scriptDamage,
			"origin":    scriptOrigin,
			"job":       scriptJob,
			"work":      scriptWork,
			"serve":     scriptServe,
			"same":      scriptSame,
			"scrub":     scrub,
		},
	})
}

// servers are what a script has started.
type servers struct {
	cloud  *glancetest.Server
	origin *origintest.Origin
}

func started(ts *testscript.TestScript) *servers { return ts.Value("servers").(*servers) }

func scriptExits(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("the exit code is %d, not %s", code, args[0])
	}
}

// scriptPackage makes a package of a KIND (openbaton, openbaton-csar or sol004).
// NAME may be NAME:VERSION. An IMAGE is NAME=SEED for one that the package has,
// followed by ,public for a public one, or NAME@URL for one behind a URL.
// Without any the package needs the VIM's own cirros.
func scriptPackage(ts *testscript.TestScript, _ bool, args []string) {
	name, version, _ := strings.Cut(args[2], ":")
	spec := onboardingtest.Spec{Name: name, Version: version}
	for _, arg := range args[3:] {
		arg, public := strings.CutSuffix(arg, ",public")
		var image onboardingtest.SoftwareImage
		if name, url, linked := strings.Cut(arg, "@"); linked {
			image = onboardingtest.Link(name, url)
		} else {
			name, seed, _ := strings.Cut(arg, "=")
			image = onboardingtest.Embed(name, disk(ts, seed))
		}
		image.Public = public
		spec.Images = append(spec.Images, image)
	}
	var members []onboardingtest.Member
	container := onboardingtest.Zip
	switch args[0] {
	case "openbaton":
		members, container = onboardingtest.OpenBatonTar(spec), onboardingtest.Tar
	case "openbaton-csar":
		members = onboardingtest.OpenBatonCSAR(spec)
	case "sol004":
		members = onboardingtest.SOL004(spec)
	default:
		ts.Fatalf("there are no packages of kind %s", args[0])
	}
	file := ts.MkAbs(args[1])
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		ts.Check(err)
	}
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o777))
	ts.Check(onboardingtest.WriteFile(file, container, members))
}

func disk(ts *testscript.TestScript, seed string) onboardingtest.Image {
	n, err := strconv.ParseUint(seed, 10, 64)
	ts.Check(err)
	return onboardingtest.QCOW2(384<<10, 1<<20, n)
}

func scriptImage(ts *testscript.TestScript, _ bool, args []string) {
	content := make([]byte, disk(ts, args[1]).Size())
	_, err := disk(ts, args[1]).ReadAt(content, 0)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o666))
}

// scriptOpenStack starts a cloud with the regions of region-one and region-two,
// of which the second one hashes with SHA-256. The first has a cirros, the second
// only one of another name.
func scriptOpenStack(ts *testscript.TestScript, _ bool, _ []string) {
	cloud := glancetest.New(glancetest.Options{Regions: []glancetest.Region{{Name: "RegionOne"}, {Name: "RegionTwo", HashAlgorithm: "sha256"}}})
	ts.Defer(cloud.Close)
	started(ts).cloud = cloud
	for region, name := range map[string]string{"RegionOne": "cirros", "RegionTwo": "cirros-2"} {
		cloud.Glance(region).Put(glancetest.Image{Name: name, Status: "active", Visibility: "public",
			DiskFormat: "qcow2", ContainerFormat: "bare", Size: 3, HashAlgo: "sha512", HashValue: strings.Repeat("ab", 64)})
	}
	file := ts.MkAbs("clouds.yaml")
	ts.Check(os.WriteFile(file, cloud.CloudsYAML(), 0o600))
	ts.Setenv("OS_CLIENT_CONFIG_FILE", file)
}

func scriptHolds(ts *testscript.TestScript, _ bool, args []string) {
	count := 0
	for _, region := range []string{"RegionOne", "RegionTwo"} {
		for _, img := range started(ts).cloud.Glance(region).Images() {
			if img.Name == args[1] && img.Status == "active" {
				count++
			}
		}
	}
	if strconv.Itoa(count) != args[0] {
		ts.Fatalf("the VIMs have %d active images %s, not %s", count, args[1], args[0])
	}
}

func scriptOrigin(ts *testscript.TestScript, _ bool, args []string) {
	s := started(ts)
	if s.origin == nil {
		s.origin = origintest.New()
		ts.Defer(s.origin.Close)
		ts.Setenv("ORIGIN", s.origin.URL)
	}
	for _, file := range args {
		file, busy := strings.CutSuffix(file, ",busy")
		plain := origintest.Plain([]byte(ts.ReadFile(file)))
		if busy {
			plain.Faults = []origintest.Fault{origintest.Status(http.StatusServiceUnavailable)}
		}
		s.origin.Serve("/"+file, plain)
	}
}

var (
	anyUUID  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anyToken = regexp.MustCompile(`gw_[A-Za-z0-9_-]{43}`)
	anyTime  = regexp.MustCompile(`20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`)
)

// scrub writes the last standard output to a file without what differs from run
// to run: IDs become ID-1, ID-2 and so on in their order, times TIME, tokens
// TOKEN, and the folder and server of the script $WORK and $ORIGIN.
func scrub(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile("stdout")
	ids := make(map[string]string)
	text = anyUUID.ReplaceAllStringFunc(text, func(id string) string {
		if ids[id] == "" {
			ids[id] = fmt.Sprintf("ID-%d", len(ids)+1)
		}
		return ids[id]
	})
	text = anyTime.ReplaceAllString(text, "TIME")
	text = anyToken.ReplaceAllString(text, "TOKEN")
	text = strings.ReplaceAll(text, ts.MkAbs("."), "$WORK")
	if url := ts.Getenv("ORIGIN"); url != "" {
		text = strings.ReplaceAll(text, url, "$ORIGIN")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}

// scriptDamage changes a byte in the middle of the stored file of an image.
func scriptDamage(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("gangway", "images", "show", args[0], "-o", "json"))
	var shown view.Image
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &shown))
	ts.Check(os.Chmod(shown.File, 0o600))
	file, err := os.OpenFile(shown.File, os.O_RDWR, 0)
	ts.Check(err)
	_, err = file.WriteAt([]byte("damage"), shown.Size/2)
	ts.Check(errors.Join(err, file.Close()))
}
