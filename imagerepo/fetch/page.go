package fetch

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"
)

const sniffSize = 512

// page names the document that a server sent with status 200 in place of an
// image, empty if head, the first bytes of the body, may begin an image. What the
// bytes are counts first, since servers call images text and errors images; a
// Content-Type of a document counts where the bytes are text.
func page(contentType string, head []byte) string {
	text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	if len(head) == 0 {
		return "an empty body"
	}
	for _, mark := range []string{"<!doctype html", "<html", "<head", "<body", "<script", "<!--"} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return "an HTML page"
		}
	}
	for _, mark := range []string{"<?xml", "<error", "<listbucketresult"} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return "an XML document"
		}
	}
	if !readable(text) {
		return ""
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	switch {
	case kind == "text/html", kind == "application/xhtml+xml":
		return "an HTML page"
	case kind == "text/xml", kind == "application/xml", strings.HasSuffix(kind, "+xml"):
		return "an XML document"
	case kind == "application/json", strings.HasSuffix(kind, "+json"):
		return "a JSON document"
	}
	return ""
}

// readable reports whether b is text: UTF-8, perhaps cut in its last character,
// without control characters.
func readable(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(b)
		}
		if r < ' ' && !strings.ContainsRune("\t\n\r\f", r) {
			return false
		}
		b = b[n:]
	}
	return true
}
