package openbaton

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding/rest"
)

// ticketTime is how long a one-image token can begin a download.
const ticketTime = 15 * time.Minute

// ticket is a one-image token and what to do with it.
type ticket struct {
	Token     string `json:"token"`
	ExpiresIn int64  `json:"expires_in"` // seconds
	URL       string `json:"url"`
}

// issueTicket gives whoever may read an image a token that stands for that and
// nothing else, to be handed to a program that has no other.
func (d *door) issueTicket(w http.ResponseWriter, r *http.Request) error {
	img, err := d.image(r)
	if err != nil {
		return err
	}
	if err := stored(img); err != nil {
		return err
	}
	rest.Target(r.Context(), img.ID)
	token := d.sign(img.ID, d.Now().Add(ticketTime))
	w.Header().Set("Cache-Control", "no-store")
	rest.WriteJSON(w, http.StatusOK, ticket{Token: token, ExpiresIn: int64(ticketTime / time.Second),
		URL: rest.CallerOf(r.Context()).BaseURL + "/api/v1/nfvimage/file/" + img.ID + "?token=" + url.QueryEscape(token)})
	return nil
}

// encoding lets no two texts be the same token. It is never written to.
var encoding = base64.RawURLEncoding.Strict()

// sign makes a token: when it expires, in seconds since 1970, and the HMAC-SHA256
// of that and the image's ID.
func (d *door) sign(id string, expires time.Time) string {
	token := binary.BigEndian.AppendUint64(nil, uint64(expires.Unix()))
	return encoding.EncodeToString(d.seal(token, id))
}

// seal appends the HMAC to the time that a token begins with.
func (d *door) seal(expires []byte, id string) []byte {
	mac := hmac.New(sha256.New, d.key)
	mac.Write(expires)
	mac.Write([]byte(id))
	return mac.Sum(expires)
}

// admits reports whether a token is good for an image now.
func (d *door) admits(token, id string) bool {
	sealed, err := encoding.DecodeString(token)
	if err != nil || len(sealed) != 8+sha256.Size {
		return false
	}
	expires := sealed[:8:8]
	return hmac.Equal(d.seal(expires, id), sealed) && d.Now().Unix() < int64(binary.BigEndian.Uint64(expires))
}

// sendImage answers with the file of an image to who has a token for it.
func (d *door) sendImage(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if !d.admits(r.URL.Query().Get("token"), id) {
		return rest.Challenge("the one-image token is missing, expired, or not for this image: get one by POST to /api/v1/nfvimage/file/ID/token",
			"invalid_token")
	}
	img, err := d.repository().Catalog().Image(r.Context(), id)
	if err == nil {
		err = stored(img)
	}
	if err != nil {
		return err
	}
	blob, err := d.repository().Open(r.Context(), img)
	if err != nil {
		return err
	}
	defer blob.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Etag", `"`+img.SHA256()+`"`)
	w.Header().Set("Repr-Digest", rest.ReprDigest(img.Digests))
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": img.Name}))
	rest.ServeContent(w, r, img.CreatedAt, io.NewSectionReader(blob, 0, blob.Size()))
	return nil
}

// stored refuses an image whose bytes were not fetched yet.
func stored(img imagerepo.Image) error {
	if img.Stored() {
		return nil
	}
	return rest.Errorf(http.StatusConflict, "image %q is only referenced: its bytes are at %s", img.Name, fetch.Redact(img.Source.URL))
}
