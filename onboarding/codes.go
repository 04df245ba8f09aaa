package onboarding

import (
	"cmp"
	"slices"

	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/tosca"
)

// The codes of findings that only the pipeline can raise: they need the bytes
// of images, the network, or the repository.
const (
	CodeImageChecksum     tosca.Code = "image-checksum"
	CodeImageFormat       tosca.Code = "image-format"
	CodeImageUnsafe       tosca.Code = "image-unsafe"
	CodeImageNameTaken    tosca.Code = "image-name-taken"
	CodeImageNameKept     tosca.Code = "image-name-kept"
	CodeImageURL          tosca.Code = "image-url"
	CodeImageURLChanged   tosca.Code = "image-url-changed"
	CodeImageURLUnchecked tosca.Code = "image-url-unchecked"
	CodePackageExists     tosca.Code = "package-exists"
)

// ownCodes is never written to.
var ownCodes = []tosca.CodeInfo{
	{Code: CodeImageChecksum, Meaning: "The bytes of an image do not have the digest that the description states.",
		Cure: "Put the right file into the package, or correct the stated digest."},
	{Code: CodeImageFormat, Meaning: "The bytes of an image are not in the declared disk format.",
		Cure: "Declare the format that the file has, or convert the file."},
	{Code: CodeImageUnsafe, Meaning: "The header of an image makes a hypervisor read other files than the image.",
		Cure: "Make the image self-contained, for example with qemu-img convert."},
	{Code: CodeImageNameTaken, Meaning: "The repository has other bytes under the name of an image.",
		Cure: "Rename the image in the package, delete the one in the repository, or onboard with the conflict policy keep."},
	{Code: CodeImageNameKept, Meaning: "The repository has other bytes under the name of an image, and keeps them as asked.",
		Cure: "Nothing, if the image that is there is the one to use."},
	{Code: CodeImageURL, Meaning: "The URL of an image does not deliver an image.",
		Cure: "Correct the URL, or permit its address."},
	{Code: CodeImageURLChanged, Meaning: "The content behind the URL of an image is not what was fetched from it before.",
		Cure: "Delete the image to fetch the new content, or onboard with the conflict policy keep to stay with the old."},
	{Code: CodeImageURLUnchecked, Meaning: "The URL of an image that is in the repository could not be asked whether its content changed.",
		Cure: "Nothing, if the image that is there is the one to use."},
	{Code: CodePackageExists, Meaning: "The project has a package of this vendor, name and version with other content, or one with this descriptor ID.",
		Cure: "Raise the version, with a descriptor ID of its own, or delete the package that is there."},
}

// Codes returns the table of all codes that a report can hold, sorted.
func Codes() []tosca.CodeInfo {
	all := slices.Concat(tosca.Codes(), csar.Codes(), ownCodes)
	slices.SortFunc(all, func(a, b tosca.CodeInfo) int { return cmp.Compare(a.Code, b.Code) })
	return all
}

// finding makes a finding of the pipeline with the cure of its code.
func finding(code tosca.Code, severity tosca.Severity, place tosca.Place, message string) tosca.Finding {
	f := tosca.Finding{Code: code, Severity: severity, Place: place, Message: message}
	for _, info := range ownCodes {
		if info.Code == code {
			f.Cure = info.Cure
		}
	}
	return f
}
