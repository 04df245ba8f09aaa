package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// The names of the images on the cloud that is uploaded to.
const (
	launchedImage = "gangway-bench.img"
	curledImage   = "gangway-bench-curl.img"
)

// upload compares a launch that uploads one image with curl sending the same
// file to the same service in this process.
func (b *bench) upload(ctx context.Context) error {
	raw, err := b.uploadable(ctx, 3)
	if err != nil {
		return err
	}
	defer os.Remove(raw)
	for _, to := range []target{
		{what: "in-process Glance, sha256", hash: "sha256", bound: "hashing in Glance"},
		{what: "in-process Glance, sha512 known", hash: "sha512", bound: "hashing in Glance"},
		{what: "in-process Glance, sha512 to be learned", hash: "sha512", learn: true, bound: "hashing on both sides of one machine"},
	} {
		server := glancetest.New(glancetest.Options{Regions: []glancetest.Region{{HashAlgorithm: to.hash, NoChecksum: true}}})
		err := b.uploadTo(ctx, to, raw, server.CloudsYAML())
		server.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", to.what, err)
		}
	}
	return nil
}

// uploadReal does so with the cloud region-one of GANGWAY_TEST_CLOUDS. The image
// is a new one each time: Glance keeps the IDs of images that were deleted, and
// to pass over them takes time.
func (b *bench) uploadReal(ctx context.Context) error {
	path := os.Getenv("GANGWAY_TEST_CLOUDS")
	if path == "" {
		return nil
	}
	clouds, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	raw, err := b.uploadable(ctx, uint64(time.Now().UnixNano()))
	if err != nil {
		return err
	}
	defer os.Remove(raw)
	return b.uploadTo(ctx, target{what: "a real Glance, sha512 to be learned", hash: "sha512", learn: true, bound: "hashing in Glance"}, raw, clouds)
}

// uploadable onboards an image, and returns a copy of it as a file. The
// repository after that is kept as well: to launch teaches it digests.
func (b *bench) uploadable(ctx context.Context, seed uint64) (raw string, err error) {
	pkg, raw := b.path("upload.tar"), b.path("upload.img")
	if err := os.RemoveAll(b.path("home")); err != nil {
		return "", err
	}
	image := onboardingtest.Raw(b.size, seed)
	spec := onboardingtest.Spec{Name: "upload", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed(launchedImage, image)}}
	if err := onboardingtest.WriteFile(pkg, onboardingtest.Tar, onboardingtest.OpenBatonTar(spec)); err != nil {
		return "", err
	}
	defer os.Remove(pkg)
	if _, err := b.onboarding(ctx, pkg); err != nil {
		return "", err
	}
	if err := writeFile(b.path("unlearned.db"), b.path("home/gangway.db")); err != nil {
		return "", err
	}
	file, err := os.Create(raw)
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, err = io.Copy(file, image.Reader())
	return raw, err
}

func writeFile(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}

// A target is a Glance to upload to. Its hash is known to the repository, unless
// it is to be learned while the bytes pass.
type target struct {
	what, hash string
	learn      bool
	bound      string
}

func (b *bench) uploadTo(ctx context.Context, to target, raw string, clouds []byte) (err error) {
	file := b.path("clouds.yaml")
	if err := os.WriteFile(file, clouds, 0o600); err != nil {
		return err
	}
	glance, err := connect(ctx, file, "region-one")
	if err != nil {
		return err
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		err = errors.Join(err, glance.deleteNamed(ctx, launchedImage), glance.deleteNamed(ctx, curledImage))
	}()
	digest := ""
	if !to.learn {
		s, err := command(ctx, nil, "sh", "-c", `openssl dgst -r -"$1" "$2"`, "sh", to.hash, raw)
		if err != nil {
			return err
		}
		digest, _, _ = strings.Cut(s.stdout, " ")
	}
	launch := func() ([]sample, error) {
		if to.learn {
			if err := writeFile(b.path("home/gangway.db"), b.path("unlearned.db")); err != nil {
				return nil, err
			}
		}
		whole, err := command(ctx, []string{"OS_CLIENT_CONFIG_FILE=" + file}, b.gangway, "--home", b.path("home"), "--quiet",
			"--log-level", "info", "--log-format", "json", "launch", "upload", "--vim", "region-one")
		if err != nil {
			return nil, err
		}
		put, err := loggedPUT(whole.stderr)
		if err != nil {
			return nil, err
		}
		return []sample{whole, {wall: put}}, glance.deleteNamed(ctx, launchedImage)
	}
	put := func() ([]sample, error) {
		id, err := glance.create(ctx, curledImage)
		if err != nil {
			return nil, err
		}
		whole, err := command(ctx, nil, "curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "-w", "%{time_total}", "-T", raw,
			"-H", "X-Auth-Token: "+glance.token, "-H", "Content-Type: application/octet-stream", glance.images+"/"+id+"/file")
		if err != nil {
			return nil, err
		}
		took, err := strconv.ParseFloat(strings.TrimSpace(whole.stdout), 64)
		if err != nil {
			return nil, fmt.Errorf("time of curl: %w", err)
		}
		return []sample{whole, {wall: time.Duration(took * float64(time.Second))}}, glance.deleteNamed(ctx, curledImage)
	}
	work := func() (sample, error) {
		s, err := glance.script(ctx, byHand, "NAME="+curledImage, "FILE="+raw, "HASH="+to.hash, "DIGEST="+digest)
		if err != nil {
			return s, err
		}
		return s, glance.deleteNamed(ctx, curledImage)
	}
	got, err := b.inTurn(b.runs, launch, put, one(work))
	if err != nil {
		return err
	}
	whole, alone, curl, curlAlone, hand := got[0], got[1], got[2], got[3], got[4]
	what, how := "upload "+size(b.size)+" to "+to.what, "curl: token, create, PUT, show"
	if to.learn {
		how += "; openssl dgst"
	}
	beside := whole.minus(alone).median()
	b.add(what, "curl -T: PUT alone", whole, curl, "≤ 1.05", fmt.Sprintf("%s; %s beside the PUT", to.bound, duration(beside)))
	b.add("  its PUT alone", "curl -T: PUT alone", alone, curlAlone, "", to.bound)
	b.add("  the whole launch", how, whole, hand, "", to.bound)
	return nil
}

// loggedPUT is how long the PUT of a launch took, as its log tells.
func loggedPUT(log string) (time.Duration, error) {
	for line := range strings.Lines(log) {
		var entry struct {
			Msg string
			PUT time.Duration
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			return 0, fmt.Errorf("log %q: %w", line, err)
		}
		if entry.Msg == "image uploaded" {
			return entry.PUT, nil
		}
	}
	return 0, fmt.Errorf("no upload in the log: %s", log)
}

// byHand is what a user does without gangway to have an image on a VIM and know
// that it is the right one. DIGEST is empty if the user has to compute it.
const byHand = asUser + `
record=$(request -H "X-Auth-Token: $token" -H 'Content-Type: application/json' \
	-d '{"name":"'"$NAME"'","disk_format":"raw","container_format":"bare"}' "$IMAGES")
id=$(echo "$record" | sed 's/.*"id": *"\([^"]*\)".*/\1/')
request -T "$FILE" -H "X-Auth-Token: $token" -H 'Content-Type: application/octet-stream' "$IMAGES/$id/file"
shown=$(request -H "X-Auth-Token: $token" "$IMAGES/$id")
digest=${DIGEST:-$(openssl dgst -r -"$HASH" "$FILE" | cut -d' ' -f1)}
case $shown in *"${digest:?}"*) ;; *) echo "not the same: $shown" >&2; exit 1 ;; esac
`
