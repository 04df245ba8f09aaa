package vim

import (
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// recordSpace is the name space of the IDs that gangway gives to images. It is
// fixed for ever: another one would upload everything again.
var recordSpace = uuid.MustParse("6b0c3f6e-6f4f-5c0e-9d5b-2a6e3d1f7c84")

// RecordID returns the ID of an offer's image in a project of a VIM, a version
// 5 UUID (RFC 9562, section 5.5) of project, bytes, formats and generation. The
// offer must be pinned.
func RecordID(projectID string, o *Offer, generation int) string {
	name := strings.Join([]string{projectID, o.key(), strconv.Itoa(generation)}, "\n")
	return uuid.NewSHA1(recordSpace, []byte(name)).String()
}

// owns tells whether an image is a record of the offer in the project: by its
// mark, and by its ID, which nobody sets by mistake.
func owns(projectID string, o *Offer, img Image) bool {
	generation, err := strconv.Atoi(img.Mark.Generation)
	return err == nil &&
		img.Mark.SHA256 == o.SHA256 &&
		(img.Owner == projectID || img.Owner == "") &&
		img.ID == RecordID(projectID, o, generation)
}
