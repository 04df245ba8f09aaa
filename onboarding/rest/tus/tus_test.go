package tus_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

const uploads = "/api/v1/uploads"

// create begins an upload of red and returns its address.
func (f fixture) create(t *testing.T, size int, header ...string) string {
	t.Helper()
	resp := f.do(t, http.StatusCreated, "POST", uploads, nil, append([]string{fmt.Sprintf("Upload-Length: %d", size)}, header...)...)
	return resp.Header.Get("Location")
}

// onboarded waits for the job that an answer names and checks the package that has
// come out of it.
func (f fixture) onboarded(t *testing.T, resp *http.Response, content []byte) {
	t.Helper()
	j, err := f.Queue.Wait(t.Context(), path.Base(resp.Header.Get("Gangway-Job")))
	resttest.NoError(t, err)
	if j.State != job.Succeeded {
		t.Fatalf("the job is %s: %s %s", j.State, j.Error, j.Result)
	}
	pkg, err := f.Packages.Get(t.Context(), "red", path.Base(resp.Header.Get("Gangway-Package")))
	resttest.NoError(t, err)
	if want := fmt.Sprintf("%x", sha256.Sum256(content)); pkg.State != vnfpkg.Onboarded || pkg.SHA256 != want {
		t.Errorf("the package is %s with %s, want %s with %s", pkg.State, pkg.SHA256, vnfpkg.Onboarded, want)
	}
}

func TestOptionsTellWhatTheServerCan(t *testing.T) {
	f := start(t)
	resp := f.do(t, http.StatusNoContent, "OPTIONS", uploads, nil, "Tus-Resumable: ")
	field(t, resp, "Tus-Version", "1.0.0")
	field(t, resp, "Tus-Extension", "creation,creation-with-upload,termination,expiration,checksum")
	field(t, resp, "Tus-Checksum-Algorithm", "sha1,sha256,sha512,md5")
	field(t, resp, "Tus-Max-Size", fmt.Sprint(limit))
}

func TestAnUploadInPartsIsOnboarded(t *testing.T) {
	f := start(t)
	content := archive("fw")
	at := f.create(t, len(content), "Upload-Metadata: "+pair("filename", "fw.tar")+","+pair("sha256", fmt.Sprintf("%x", sha256.Sum256(content)))+",odd")
	head := f.do(t, http.StatusOK, "HEAD", at, nil)
	field(t, head, "Upload-Offset", "0")
	field(t, head, "Upload-Length", fmt.Sprint(len(content)))
	field(t, head, "Cache-Control", "no-store")
	field(t, head, "Gangway-Job", "")
	if meta := head.Header.Get("Upload-Metadata"); !strings.Contains(meta, pair("filename", "fw.tar")) || !strings.Contains(meta, ",odd,") {
		t.Errorf("the metadata are %q", meta)
	}
	if _, err := http.ParseTime(head.Header.Get("Upload-Expires")); err != nil {
		t.Error(err)
	}
	part := f.do(t, http.StatusNoContent, "PATCH", at, content[:1000], "Upload-Offset: 0")
	field(t, part, "Upload-Offset", "1000")
	last := f.do(t, http.StatusNoContent, "PATCH", at, content[1000:], "Upload-Offset: 1000")
	field(t, last, "Upload-Offset", fmt.Sprint(len(content)))
	field(t, last, "Gangway-Package", f.URL+"/api/v1/packages/"+path.Base(at))
	f.onboarded(t, last, content)

	// Who lost the last answer finds out.
	head = f.do(t, http.StatusOK, "HEAD", at, nil)
	field(t, head, "Upload-Offset", fmt.Sprint(len(content)))
	field(t, head, "Upload-Length", fmt.Sprint(len(content)))
	field(t, head, "Gangway-Job", last.Header.Get("Gangway-Job"))
	f.do(t, http.StatusConflict, "DELETE", at, nil)
}

func TestAnUploadMayComeWithItsCreation(t *testing.T) {
	f := start(t)
	content := archive("fw")
	whole := f.do(t, http.StatusCreated, "POST", uploads, content, fmt.Sprintf("Upload-Length: %d", len(content)), checksum(content))
	field(t, whole, "Upload-Offset", fmt.Sprint(len(content)))
	f.onboarded(t, whole, content)

	content = archive("router")
	first := f.do(t, http.StatusCreated, "POST", uploads, content[:700], fmt.Sprintf("Upload-Length: %d", len(content)))
	field(t, first, "Upload-Offset", "700")
	f.onboarded(t, f.do(t, http.StatusNoContent, "PATCH", first.Header.Get("Location"), content[700:], "Upload-Offset: 700"), content)
}

func TestAnUploadOfAPackageThatIsThereTellsItsJob(t *testing.T) {
	f := start(t)
	content := archive("fw")
	length := fmt.Sprintf("Upload-Length: %d", len(content))
	first := f.do(t, http.StatusCreated, "POST", uploads, content, length)
	f.onboarded(t, first, content)
	again := f.do(t, http.StatusCreated, "POST", uploads, content, length)
	_, err := f.Queue.Wait(t.Context(), path.Base(again.Header.Get("Gangway-Job")))
	resttest.NoError(t, err)
	head := f.do(t, http.StatusGone, "HEAD", again.Header.Get("Location"), nil)
	field(t, head, "Gangway-Job", again.Header.Get("Gangway-Job"))
	field(t, head, "Gangway-Package", first.Header.Get("Gangway-Package"))
}

func TestAChunkWithAWrongChecksumCountsNothing(t *testing.T) {
	f := start(t)
	content := archive("fw")
	at := f.create(t, len(content))
	f.do(t, http.StatusNoContent, "PATCH", at, content[:10], "Upload-Offset: 0", checksum(content[:10]))
	f.do(t, 460, "PATCH", at, content[10:500], "Upload-Offset: 10", checksum(content[10:501]))
	field(t, f.do(t, http.StatusOK, "HEAD", at, nil), "Upload-Offset", "10")
	f.onboarded(t, f.do(t, http.StatusNoContent, "PATCH", at, content[10:], "Upload-Offset: 10", checksum(content[10:])), content)

	f.do(t, 460, "POST", uploads, content[:500], fmt.Sprintf("Upload-Length: %d", len(content)), checksum(content[:501]))
	for r, err := range f.Packages.List(t.Context(), vnfpkg.Filter{Project: "red"}) {
		if resttest.NoError(t, err); r.State == vnfpkg.Uploading {
			t.Errorf("an upload is left whose address nobody knows: %+v", r)
		}
	}
}

func TestAnArchiveWithoutItsStatedDigestIsNotTaken(t *testing.T) {
	f := start(t)
	content := archive("fw")
	at := f.create(t, len(content), "Upload-Metadata: "+pair("sha256", strings.Repeat("ab", 32)))
	f.do(t, http.StatusUnprocessableEntity, "PATCH", at, content, "Upload-Offset: 0")
	f.do(t, http.StatusNotFound, "HEAD", at, nil)
}

// begun is how much of a PATCH has arrived that breaks off or falls silent, in bytes:
// what is written at once, so that the file tells when it is there.
const begun = 256 << 10

// sending begins a PATCH of a content that sends no more than its first bytes, and
// returns its connection once they have arrived.
func (f fixture) sending(t *testing.T, at string, content []byte) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", f.Listener.Addr().String()) // a client of net/http holds bytes back
	resttest.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "PATCH %s/%s HTTP/1.1\r\nHost: gangway\r\nAuthorization: Bearer red-writer\r\nTus-Resumable: 1.0.0\r\n"+
		"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: %d\r\n\r\n%s", uploads, path.Base(at), len(content), content[:begun])
	resttest.NoError(t, err)
	resttest.Until(t, func() bool {
		arrived, err := f.Packages.Offset(t.Context(), "red", path.Base(at))
		resttest.NoError(t, err)
		return arrived == begun
	})
	return conn
}

func TestAPatchThatBreaksOffGoesOnFromItsLastByte(t *testing.T) {
	f := start(t)
	content := archive("fw")
	at := f.create(t, len(content))
	resttest.NoError(t, f.sending(t, at, content).Close())
	field(t, f.do(t, http.StatusOK, "HEAD", at, nil), "Upload-Offset", fmt.Sprint(begun))
	f.onboarded(t, f.do(t, http.StatusNoContent, "PATCH", at, content[begun:], fmt.Sprintf("Upload-Offset: %d", begun)), content)
}

// A connection that died without a word looks like one that is slow.
func TestARequestOvertakesThePatchBeforeIt(t *testing.T) {
	rest := fmt.Sprintf("Upload-Offset: %d", begun)
	for name, overtake := range map[string]func(t *testing.T, f fixture, at string, content []byte){
		"to send the rest": func(t *testing.T, f fixture, at string, content []byte) {
			f.onboarded(t, f.do(t, http.StatusNoContent, "PATCH", at, content[begun:], rest), content)
		},
		"to ask how far it is": func(t *testing.T, f fixture, at string, content []byte) {
			field(t, f.do(t, http.StatusOK, "HEAD", at, nil), "Upload-Offset", fmt.Sprint(begun))
		},
		"to end the upload": func(t *testing.T, f fixture, at string, content []byte) {
			f.do(t, http.StatusNoContent, "DELETE", at, nil)
			f.do(t, http.StatusNotFound, "HEAD", at, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			content := archive("fw")
			at := f.create(t, len(content))
			conn := f.sending(t, at, content)
			overtake(t, f, at, content)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			resttest.NoError(t, err)
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusBadRequest {
				t.Errorf("the one that was overtaken is answered %s", resp.Status)
			}
		})
	}
}

func TestAnUploadIsNotOvertakenFromAnotherProject(t *testing.T) {
	f := start(t)
	content := archive("fw")
	at := f.create(t, len(content))
	conn := f.sending(t, at, content)
	for _, method := range []string{"HEAD", "DELETE"} {
		f.do(t, http.StatusNotFound, method, at, nil, "Authorization: Bearer blue-writer")
	}
	f.do(t, http.StatusNotFound, "PATCH", at, []byte("x"), "Upload-Offset: 0", "Authorization: Bearer blue-writer")
	_, err := conn.Write(content[begun:])
	resttest.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	resttest.NoError(t, err)
	defer resp.Body.Close()
	f.onboarded(t, resp, content)
}

// A server that was killed between the last byte and the job has an upload that is
// whole and is not processed. Clients ask with HEAD how far it is.
func TestHeadFinishesWhatAKilledServerHadNot(t *testing.T) {
	f := start(t)
	content := archive("fw")
	at := f.create(t, len(content))
	_, err := f.Packages.Append(t.Context(), "red", path.Base(at), 0, bytes.NewReader(content), vnfpkg.AppendOptions{})
	resttest.NoError(t, err)
	f.Audit.Take()
	f.onboarded(t, f.do(t, http.StatusOK, "HEAD", at, nil), content)
	f.do(t, http.StatusOK, "HEAD", at, nil)
	if trail := f.Audit.Take(); len(trail) != 1 || trail[0].Action != "package.upload" || trail[0].Target == "" {
		t.Errorf("audited is %+v", trail)
	}
}

func TestAnUploadThatStandsStillExpires(t *testing.T) {
	f := start(t)
	at := f.create(t, 100)
	f.Ahead.Store(int64(2 * time.Hour))
	f.do(t, http.StatusGone, "HEAD", at, nil)
	f.do(t, http.StatusGone, "PATCH", at, []byte("x"), "Upload-Offset: 0")
	resttest.NoError(t, f.Packages.Recover(t.Context()))
	f.do(t, http.StatusNotFound, "HEAD", at, nil)
}

func TestAnUploadThatIsTerminatedIsGone(t *testing.T) {
	f := start(t)
	at := f.create(t, 100)
	f.do(t, http.StatusNoContent, "PATCH", at, []byte("x"), "Upload-Offset: 0")
	f.do(t, http.StatusNoContent, "DELETE", at, nil)
	f.do(t, http.StatusNotFound, "HEAD", at, nil)
	f.do(t, http.StatusNotFound, "DELETE", at, nil)

	at = f.create(t, 100)
	f.do(t, http.StatusNoContent, "POST", at, []byte("x"), "Upload-Offset: 0", "X-HTTP-Method-Override: PATCH")
	f.Audit.Take()
	f.do(t, http.StatusNoContent, "POST", at, nil, "X-HTTP-Method-Override: DELETE")
	if trail := f.Audit.Take(); len(trail) != 1 || trail[0].Action != "upload.delete" {
		t.Errorf("audited is %+v", trail)
	}
	f.do(t, http.StatusNotFound, "HEAD", at, nil)
}

func TestOtherUploadsThanOnesOwnAreNotThere(t *testing.T) {
	f := start(t)
	at := f.create(t, 100)
	plain, err := f.Packages.Create(t.Context(), vnfpkg.NewResource{Project: "red"})
	resttest.NoError(t, err)
	for _, other := range []string{"blue-admin", "blue-writer"} {
		for _, method := range []string{"HEAD", "DELETE"} {
			f.do(t, http.StatusNotFound, method, at, nil, "Authorization: Bearer "+other)
		}
		f.do(t, http.StatusNotFound, "PATCH", at, []byte("x"), "Upload-Offset: 0", "Authorization: Bearer "+other)
	}
	for _, method := range []string{"HEAD", "DELETE"} {
		f.do(t, http.StatusForbidden, method, at, nil, "Authorization: Bearer red-reader")
		f.do(t, http.StatusUnauthorized, method, at, nil, "Authorization: Bearer nobody")
	}
	f.do(t, http.StatusNotFound, "HEAD", uploads+"/"+plain.ID, nil)
	field(t, f.do(t, http.StatusOK, "HEAD", at, nil), "Upload-Offset", "0")
}

func TestRequestsThatAreNotAsTheProtocolSaysAreRefused(t *testing.T) {
	f := start(t)
	at := f.create(t, 100)
	for _, test := range []struct {
		name   string
		status int
		method string
		body   string // PATCH and some POST
		header []string
	}{
		{"no version", 412, "POST", "", []string{"Tus-Resumable: ", "Upload-Length: 5"}},
		{"another version", 412, "PATCH", "x", []string{"Tus-Resumable: 0.2.2", "Upload-Offset: 0"}},
		{"creation without a length", 400, "POST", "", nil},
		{"creation with a length that is known later", 400, "POST", "", []string{"Upload-Defer-Length: 1"}},
		{"creation with a negative length", 400, "POST", "", []string{"Upload-Length: -1"}},
		{"creation beyond the largest package", 413, "POST", "", []string{fmt.Sprintf("Upload-Length: %d", limit+1)}},
		{"creation of a part of another", 400, "POST", "", []string{"Upload-Length: 5", "Upload-Concat: partial"}},
		{"creation with metadata that are not Base64", 400, "POST", "", []string{"Upload-Length: 5", "Upload-Metadata: filename %%"}},
		{"creation with a key twice", 400, "POST", "", []string{"Upload-Length: 5", "Upload-Metadata: a YQ==,a YQ=="}},
		{"creation with an unknown rule for names", 400, "POST", "", []string{"Upload-Length: 5", "Upload-Metadata: " + pair("on-conflict", "overwrite")}},
		{"creation with an unknown rule for images", 400, "POST", "", []string{"Upload-Length: 5", "Upload-Metadata: " + pair("images", "drop")}},
		{"creation with half a digest", 400, "POST", "", []string{"Upload-Length: 5", "Upload-Metadata: " + pair("sha256", "abcd")}},
		{"creation with more bytes than it says", 400, "POST", "123456", []string{"Upload-Length: 5"}},
		{"a part without an offset", 400, "PATCH", "x", nil},
		{"a part at another offset", 409, "PATCH", "x", []string{"Upload-Offset: 7"}},
		{"a part of another type", 415, "PATCH", "x", []string{"Upload-Offset: 0", "Content-Type: text/plain"}},
		{"a part beyond the length", 400, "PATCH", strings.Repeat("x", 101), []string{"Upload-Offset: 0"}},
		{"a part with an unknown algorithm", 400, "PATCH", "x", []string{"Upload-Offset: 0", "Upload-Checksum: crc32 AAAAAA=="}},
		{"a part with half a checksum", 400, "PATCH", "x", []string{"Upload-Offset: 0", "Upload-Checksum: sha1 AAAA"}},
		{"a method that is none of the protocol", 405, "PUT", "x", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			to, body := uploads, []byte(test.body)
			if test.method != "POST" {
				to = at
			} else if test.body == "" {
				body = nil
			}
			f.do(t, test.status, test.method, to, body, test.header...)
			field(t, f.do(t, http.StatusOK, "HEAD", at, nil), "Upload-Offset", "0")
		})
	}
}
