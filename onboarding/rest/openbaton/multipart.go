package openbaton

import (
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"

	"github.com/gangway-nfv/gangway/onboarding/rest"
)

// maxFields and maxFieldBytes bound the fields of a form that come before its file:
// their number, and the bytes of the form up to there, names and values included.
const (
	maxFields     = 64
	maxFieldBytes = 64 << 10
)

// upload is a request's form, read up to its file. Nothing of the file is held in
// memory, so that the fields have to come before it.
type upload struct {
	fields url.Values
	file   *part // nil if there is none
}

// readUpload reads a form until a file part of one of the names. Parts with other
// names are fields, and what a request says in its query is one, too.
func readUpload(r *http.Request, names ...string) (upload, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return upload{}, rest.Errorf(http.StatusBadRequest, "query: %v", err)
	}
	u := upload{fields: query}
	head := &headReader{ReadCloser: r.Body, left: maxFieldBytes + formSlack}
	r.Body = head
	form, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) && r.ContentLength == 0 {
		return u, nil
	}
	if err != nil {
		return u, rest.Errorf(http.StatusBadRequest, "the body is not a multipart/form-data form: %v", err)
	}
	for fields, left := 0, maxFieldBytes; ; fields++ {
		next, err := form.NextRawPart()
		if err == io.EOF {
			return u, nil
		}
		if err != nil {
			return u, formError(err)
		}
		if slices.Contains(names, next.FormName()) {
			head.left = math.MaxInt64
			u.file = &part{Part: next, form: form}
			return u, nil
		}
		left -= len(next.FormName())
		value, err := io.ReadAll(io.LimitReader(next, int64(max(left, 0))+1))
		if err != nil {
			return u, formError(err)
		}
		if left -= len(value); left < 0 || fields == maxFields {
			return u, rest.Errorf(http.StatusBadRequest, "the form has more than %d fields or %d bytes before the file, which is to be the part %q",
				maxFields, maxFieldBytes, names[0])
		}
		u.fields.Add(next.FormName(), string(value))
	}
}

// formSlack is what the syntax of the fields may take beside, and the reading ahead of
// what comes behind them, in bytes.
const formSlack = 64 << 10

// headReader is a body whose beginning may have so many bytes, headers that are not
// looked at included, until its limit is lifted.
type headReader struct {
	io.ReadCloser
	left int64
}

func (h *headReader) Read(p []byte) (int, error) {
	if h.left <= 0 {
		return 0, rest.Errorf(http.StatusBadRequest, "the form has more than %d bytes before its file", maxFieldBytes)
	}
	n, err := h.ReadCloser.Read(p[:min(int64(len(p)), h.left)])
	h.left -= int64(n)
	return n, err
}

// part is the file of a form. It ends well only where the form does: a form that
// broke off, or has more behind the file, is not what its sender meant.
type part struct {
	*multipart.Part
	form  *multipart.Reader
	ended error
}

func (p *part) Read(b []byte) (int, error) {
	if p.ended != nil {
		return 0, p.ended
	}
	n, err := p.Part.Read(b)
	if err == io.EOF {
		err = p.end()
	}
	p.ended = formError(err)
	return n, p.ended
}

// end returns io.EOF if the form ends behind the file.
func (p *part) end() error {
	more, err := p.form.NextRawPart()
	if err != nil {
		return err
	}
	return rest.Errorf(http.StatusBadRequest, "form part %q comes behind the file: send it before the file", more.FormName())
}

// formError says what an error of a form means that is not the body's own.
func formError(err error) error {
	_, told := errors.AsType[rest.Problem](err)
	switch {
	case err == nil, err == io.EOF, told, errors.Is(err, rest.ErrBroken), errors.Is(err, rest.ErrStalled):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: the form has no end", rest.ErrBroken)
	}
	return rest.Errorf(http.StatusBadRequest, "form: %v", err)
}
