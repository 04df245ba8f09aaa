package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/rest"
)

// uploads describes what package tus serves, so that one document has all that
// gangway offers of its own.
func (d *door) uploads() {
	tags := []string{"uploads"}
	const all, one = "/api/v1/uploads", "/api/v1/uploads/{upload}"
	route := func(method, pattern string) rest.Route {
		return rest.Route{Method: method, Pattern: pattern, Need: access.Writer}
	}
	chunk := func(required bool) *huma.RequestBody {
		return &huma.RequestBody{Required: required, Content: map[string]*huma.MediaType{
			"application/offset+octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
	}
	mismatch := func() map[string]*huma.Response {
		return map[string]*huma.Response{"460": {Description: "The bytes do not have the digest of Upload-Checksum, and none of them count",
			Content: map[string]*huma.MediaType{"application/problem+json": {Schema: d.schema(huma.ErrorModel{})}}}}
	}
	const protocol = "Part of the tus protocol 1.0 (https://tus.io/protocols/resumable-upload), with creation, creation-with-upload, termination, expiration and checksum."

	describe[struct{}, uploadOptions](d, route(http.MethodOptions, all), huma.Operation{
		OperationID: "show-upload-options", Tags: tags, Summary: "Tell what is known of resumable uploads", Description: protocol, DefaultStatus: http.StatusNoContent,
	})
	describe[createUpload, uploadCreated](d, route(http.MethodPost, all), huma.Operation{
		OperationID: "create-upload", Tags: tags, Summary: "Begin a resumable upload of a package",
		Description:   protocol + " The body, if there is one, is the first bytes. When all are there the package is onboarded.",
		DefaultStatus: http.StatusCreated, RequestBody: chunk(false), Responses: mismatch(),
		Errors: []int{http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusInsufficientStorage},
	})
	describe[AtUpload, uploadState](d, route(http.MethodHead, one), huma.Operation{
		OperationID: "show-upload", Tags: tags, Summary: "Tell how far an upload is",
		Description: protocol, DefaultStatus: http.StatusOK, Errors: []int{http.StatusGone, http.StatusPreconditionFailed},
	})
	describe[appendUpload, UploadProgress](d, route(http.MethodPatch, one), huma.Operation{
		OperationID: "append-upload", Tags: tags, Summary: "Go on with an upload",
		Description:   protocol + " The body is the bytes from the offset on, which must be that of the upload. What has arrived when it breaks off counts. The next request about the upload ends it.",
		DefaultStatus: http.StatusNoContent, RequestBody: chunk(true), Responses: mismatch(),
		Errors: []int{http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed, http.StatusUnsupportedMediaType,
			http.StatusUnprocessableEntity, http.StatusLocked, http.StatusInsufficientStorage},
	})
	describe[AtUpload, Resumable](d, route(http.MethodDelete, one), huma.Operation{
		OperationID: "delete-upload", Tags: tags, Summary: "Give an upload up",
		Description: protocol, DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed, http.StatusLocked},
	})
	describe[overriddenUpload, UploadProgress](d, route(http.MethodPost, one), huma.Operation{
		OperationID: "override-upload", Tags: tags, Summary: "Go on with an upload, show it or give it up, for clients that only know POST",
		Description:   protocol + " The request is that of the method in X-HTTP-Method-Override.",
		DefaultStatus: http.StatusNoContent, RequestBody: chunk(false), Responses: mismatch(),
		Errors: []int{http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed, http.StatusUnsupportedMediaType, http.StatusLocked},
	})
}

// Resumable is what every request of the protocol and every answer has.
type Resumable struct {
	Version string `header:"Tus-Resumable" required:"true" enum:"1.0.0"`
}

type uploadOptions struct {
	Version    string `header:"Tus-Version"`
	Extensions string `header:"Tus-Extension"`
	Algorithms string `header:"Tus-Checksum-Algorithm"`
	MaxSize    int64  `header:"Tus-Max-Size" doc:"of a package, in bytes, if there is a limit"`
}

type createUpload struct {
	Resumable
	Length   int64  `header:"Upload-Length" required:"true" minimum:"0" doc:"of the package, in bytes"`
	Metadata string `header:"Upload-Metadata" doc:"keys, each with a space and its value in Base64, and commas between: filename is what the report calls the package, sha256 its digest in hex, on-conflict and images are as for packages, and others are kept"`
	Checksum string `header:"Upload-Checksum" doc:"sha1, sha256, sha512 or md5, a space, and the digest of this body in Base64"`
}

type uploadCreated struct {
	UploadProgress
	Location string `header:"Location" doc:"the upload"`
}

// AtUpload is the path of an upload.
type AtUpload struct {
	Resumable
	Upload string `path:"upload" doc:"ID"`
}

type appendUpload struct {
	AtUpload
	Offset   int64  `header:"Upload-Offset" required:"true" minimum:"0" doc:"where the body begins, in bytes"`
	Checksum string `header:"Upload-Checksum" doc:"sha1, sha256, sha512 or md5, a space, and the digest of this body in Base64"`
}

type overriddenUpload struct {
	AtUpload
	Method   string `header:"X-HTTP-Method-Override" required:"true" enum:"PATCH,DELETE,HEAD"`
	Offset   int64  `header:"Upload-Offset" minimum:"0" doc:"where the body begins, in bytes"`
	Checksum string `header:"Upload-Checksum" doc:"as with PATCH"`
}

// UploadProgress is how far an upload is.
type UploadProgress struct {
	Resumable
	Offset  int64  `header:"Upload-Offset" doc:"how many bytes are there"`
	Expires string `header:"Upload-Expires" doc:"when an upload that makes no progress is given up"`
	Package string `header:"Gangway-Package" doc:"the package, once all bytes are there"`
	Job     string `header:"Gangway-Job" doc:"the job that onboards it"`
}

type uploadState struct {
	UploadProgress
	Length   int64  `header:"Upload-Length" doc:"of the package, in bytes"`
	Metadata string `header:"Upload-Metadata"`
}
