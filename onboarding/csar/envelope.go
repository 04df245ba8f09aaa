package csar

import (
	"context"
	"errors"
	"path"
	"strings"
)

// isEnvelope reports whether the archive is a package that was zipped with
// its signature and certificate (SOL004, clause 5.1, option 2): one CSAR in
// the root, beside it nothing but what goes with a signature.
func (a *Archive) isEnvelope() bool {
	inner, _ := a.envelope()
	return inner != nil
}

// envelope returns the package in a signed envelope, and whether a signature
// is beside it.
func (a *Archive) envelope() (inner *entry, signed bool) {
	for _, e := range a.entries {
		switch ext := strings.ToLower(path.Ext(e.Path)); {
		case e.Raw != e.Path || strings.Contains(e.Path, "/") || e.open == nil:
			return nil, false
		case ext == ".csar" || ext == ".zip":
			if inner != nil {
				return nil, false
			}
			inner = e
		case ext == ".cms" || ext == ".p7s" || ext == ".p7m":
			signed = true
		case ext == ".cert" || ext == ".crt" || ext == ".cer" || ext == ".pem" || ext == ".p7b" || ext == ".p7c":
		case strings.HasPrefix(strings.ToLower(e.Path), "readme"):
		default:
			return nil, false
		}
	}
	return inner, signed
}

// unwrap opens the package in an envelope, which goes over to it.
func (o *opener) unwrap(ctx context.Context, name string, outer *Archive) (*Archive, error) {
	inner, signed := outer.envelope()
	if signed {
		o.add(warning(CodeSignatureUnverified, inner.Path, "the package's signature is not verified"))
	} else {
		o.add(fault(CodeSignatureMissing, inner.Path, "the envelope holds no signature of the package").
			expected("%s", strings.TrimSuffix(inner.Path, path.Ext(inner.Path))+".cms").Finding)
	}
	a, err := o.openInner(ctx, name, inner)
	if err != nil {
		return nil, errors.Join(err, outer.Close())
	}
	a.outer = outer
	return a, nil
}

// openInner opens the package in place if it is stored, else it is spooled.
func (o *opener) openInner(ctx context.Context, name string, inner *entry) (*Archive, error) {
	if inner.stored != nil {
		return o.open(ctx, Source{Name: name, At: inner.stored, Size: inner.Size})
	}
	r, err := inner.open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return o.open(ctx, Source{Name: name, Reader: r})
}
