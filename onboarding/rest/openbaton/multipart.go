package openbaton

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"

	"github.com/gangway-nfv/gangway/onboarding/rest"
)

// maxField bounds a form field that is no file, in bytes.
const maxField = 4 << 10

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
	form, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) && r.ContentLength == 0 {
		return u, nil
	}
	if err != nil {
		return u, rest.Errorf(http.StatusBadRequest, "the body is not a multipart/form-data form: %v", err)
	}
	for {
		next, err := form.NextRawPart()
		if err == io.EOF {
			return u, nil
		}
		if err != nil {
			return u, formError(err)
		}
		if slices.Contains(names, next.FormName()) {
			u.file = &part{Part: next, form: form}
			return u, nil
		}
		value, err := io.ReadAll(io.LimitReader(next, maxField+1))
		if err != nil {
			return u, formError(err)
		}
		if len(value) > maxField {
			return u, rest.Errorf(http.StatusBadRequest, "form field %q is longer than %d bytes; the file is to be the part %q", next.FormName(), maxField, names[0])
		}
		u.fields.Add(next.FormName(), string(value))
	}
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
