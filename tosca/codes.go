package tosca

import (
	"cmp"
	"slices"
)

// The codes of this package's findings. [Codes] documents each.
const (
	CodeArtifactMissing         Code = "artifact-missing"
	CodeArtifactRemote          Code = "artifact-remote"
	CodeChecksumMalformed       Code = "image-checksum-malformed"
	CodeDescriptorMalformed     Code = "descriptor-malformed"
	CodeDescriptorMissing       Code = "descriptor-missing"
	CodeDuplicateKey            Code = "yaml-duplicate-key"
	CodeEntryAmbiguous          Code = "entry-ambiguous"
	CodeEntryDangling           Code = "entry-definitions-dangling"
	CodeEntryDefinitionsMissing Code = "entry-definitions-missing"
	CodeEntryMissing            Code = "entry-missing"
	CodeFileUnreadable          Code = "file-unreadable"
	CodeFormatUnknown           Code = "image-format-unknown"
	CodeFormatsSwapped          Code = "image-formats-swapped"
	CodeImageDataMissing        Code = "image-data-missing"
	CodeImageDeclaredTwice      Code = "image-declared-twice"
	CodeImageEmpty              Code = "image-empty"
	CodeImageFileIgnored        Code = "image-file-ignored"
	CodeImageIsContainer        Code = "image-is-container"
	CodeImageLink               Code = "image-link"
	CodeImageMissing            Code = "image-missing"
	CodeImageName               Code = "image-name-invalid"
	CodeImageUndescribed        Code = "image-undescribed"
	CodeImportLimit             Code = "import-limit"
	CodeImportMissing           Code = "import-missing"
	CodeImportRemote            Code = "import-remote"
	CodeInputUnresolved         Code = "input-unresolved"
	CodeMetaEntryDangling       Code = "meta-entry-dangling"
	CodeMetaKeyMissing          Code = "meta-key-missing"
	CodeMetaMalformed           Code = "meta-malformed"
	CodeMetaMissing             Code = "meta-missing"
	CodeMetadataMalformed       Code = "metadata-malformed"
	CodeMetadataMissing         Code = "metadata-missing"
	CodeNameMissing             Code = "name-missing"
	CodeNestedPackage           Code = "nested-package"
	CodeNodeTypeMissing         Code = "node-type-missing"
	CodeNotAPackage             Code = "not-a-vnf-package"
	CodeNumberMalformed         Code = "number-malformed"
	CodeOBImageForms            Code = "ob-image-forms"
	CodeOBImageNames            Code = "ob-image-names"
	CodeOBKeyMissing            Code = "ob-key-missing"
	CodeOBNameDiffers           Code = "ob-name-differs"
	CodeOBNFVOVersion           Code = "ob-nfvo-version"
	CodeOBPackageLocation       Code = "ob-package-location"
	CodeOBScriptsIgnored        Code = "ob-scripts-ignored"
	CodeOBUpload                Code = "ob-upload"
	CodeOBUploadCheck           Code = "ob-upload-check"
	CodeOBVendor                Code = "ob-vendor"
	CodeOBVendorDiffers         Code = "ob-vendor-differs"
	CodeOBVIMTypes              Code = "ob-vim-types"
	CodePathCase                Code = "path-case"
	CodeFlavourMissing          Code = "flavour-missing"
	CodePolicyLevel             Code = "policy-level"
	CodeReferenceDangling       Code = "reference-dangling"
	CodeTemplateForeign         Code = "template-foreign"
	CodeTemplateVersion         Code = "template-version-missing"
	CodeTooManyDeclarations     Code = "too-many-declarations"
	CodeTooManyFindings         Code = "too-many-findings"
	CodeVDUMissing              Code = "vdu-missing"
	CodeVNFDAmbiguous           Code = "vnfd-ambiguous"
	CodeVNFNodeMissing          Code = "vnf-node-missing"
)

// codeTable is never written to.
var codeTable = []CodeInfo{
	{CodeArtifactMissing, "An artifact or an implementation names a file that is not in the package, or not at its path, or an artifact that the node does not have.", "Add the file or artifact, or correct its path or name."},
	{CodeArtifactRemote, "An artifact or an implementation that is no image is at a URL, which is not fetched.", "Add the file to the package if the VNF needs it where it is deployed."},
	{CodeChecksumMalformed, "A stated checksum is not a hex digest of its algorithm; a warning for an image that the package does not bring.", "State the algorithm (sha-256, sha-512, …) and the digest of the image's bytes in hex."},
	{CodeDescriptorMalformed, "A descriptor is not well-formed YAML or JSON, or not a map.", "Correct the syntax at the place given."},
	{CodeDescriptorMissing, "The package has no VNFD or NSD.", "Add the descriptor to the package."},
	{CodeDuplicateKey, "A map has the same key twice, of which readers silently take one; an error where that decides what the package is or which images it has.", "Keep one of the two."},
	{CodeEntryAmbiguous, "Without TOSCA.meta there must be one YAML file in the root, and there are several.", "Add TOSCA-Metadata/TOSCA.meta with Entry-Definitions, or leave one YAML file in the root."},
	{CodeEntryDangling, "Entry-Definitions names a file that is not in the package; a warning where the package has one MainServiceTemplate.yaml.", "Let Entry-Definitions name the main template."},
	{CodeEntryDefinitionsMissing, "TOSCA.meta has no Entry-Definitions.", "Add the line Entry-Definitions: with the path of the main template."},
	{CodeEntryMissing, "The package has neither TOSCA.meta nor a YAML file in the root.", "Put the main template into the root or name it in TOSCA-Metadata/TOSCA.meta."},
	{CodeFileUnreadable, "A file that must be read is too large or could not be read.", "Keep descriptors small and the archive whole."},
	{CodeFormatUnknown, "A disk or container format is none that OpenStack knows; the format that the file has is taken instead, and bare.", "Use a format of the Image service, such as qcow2 or raw, and bare."},
	{CodeFormatsSwapped, "disk_format and container_format stand in each other's place.", "Swap the two values."},
	{CodeImageDataMissing, "A software image artifact has no sw_image_data; an error from version 1.2 of the Simple Profile on, in which SOL001 is written.", "Add sw_image_data with name, version, checksum, disk_format, container_format and size."},
	{CodeImageDeclaredTwice, "Two images have one name and differ, or one node declares two images; a warning if the package brings neither.", "Give each image its own name, and each node one image."},
	{CodeImageEmpty, "An image file has no bytes; in an ETSI package, a placeholder for an image that is expected on the VIM, a warning.", "Put the image into the package, or upload it to the VIM under this name."},
	{CodeImageFileIgnored, "An image has both a URL and a file of its name; the URL is used.", "Remove the file or the URL."},
	{CodeImageIsContainer, "A declared image is a container image, which no VIM can boot as a VM.", "Nothing, if the VDU is a container; else declare the VM's image."},
	{CodeImageLink, "An image's link is not an http or https URL.", "State a URL from which the image's bytes can be fetched."},
	{CodeImageMissing, "A declared image is neither in the package nor to be had from a URL.", "Add the image file, or correct its path, or state its URL."},
	{CodeImageName, "An image's name cannot be the name of a file in images/.", "Use a name without slashes, backslashes and control characters."},
	{CodeImageUndescribed, "A file in images/ is described nowhere and will not be stored.", "Describe it under images: in Metadata.yaml, or remove it."},
	{CodeImportLimit, "The templates import more files than any package needs.", "Import fewer files."},
	{CodeImportMissing, "An imported file is not in the package, or not at the path given.", "Add the file or correct the import's path."},
	{CodeImportRemote, "An import is a URL, which is not fetched.", "Add the imported file to the package if it declares types or nodes of its own."},
	{CodeInputUnresolved, "A value is an input or a function without a default.", "Give the input a default."},
	{CodeMetaEntryDangling, "TOSCA.meta names a file that is not in the package; an error for the manifest, change log and certificate of a package that names its tests.", "Add the file or correct the path."},
	{CodeMetaKeyMissing, "TOSCA.meta lacks a key that the specification asks for, or its value.", "Add the key and its value."},
	{CodeMetaMalformed, "A line of TOSCA.meta is not of the form Key: value.", "Correct the line."},
	{CodeMetaMissing, "The package is laid out as a CSAR and has no TOSCA-Metadata/TOSCA.meta.", "Add TOSCA-Metadata/TOSCA.meta."},
	{CodeMetadataMalformed, "Metadata.yaml is not well-formed, or a value in it has the wrong form.", "Correct the value at the place given."},
	{CodeMetadataMissing, "An Open Baton package has no Metadata.yaml; the descriptor speaks for it.", "Add Metadata.yaml."},
	{CodeNameMissing, "Nothing in the package says what it is called.", "State the name in the descriptor, such as name, or id, of an OSM package."},
	{CodeNestedPackage, "The package wraps another package, which is not opened.", "Onboard the inner package."},
	{CodeNodeTypeMissing, "A node template has no type.", "State the node's type."},
	{CodeNotAPackage, "Nothing in the archive tells it from any other archive.", "Onboard an Open Baton package, a CSAR or an OSM package."},
	{CodeNumberMalformed, "A number or size cannot be read.", "Write a whole number, or a number with a unit such as 2 GB or 512 MiB."},
	{CodeOBImageForms, "Metadata.yaml has both image and images.", "Use images alone."},
	{CodeOBImageNames, "image has upload false or check, and no list of names or ids.", "List the names or ids of the images on the VIM."},
	{CodeOBKeyMissing, "Metadata.yaml or the VNFD lacks a mandatory key.", "Add the key."},
	{CodeOBNameDiffers, "Metadata.yaml and the VNFD have different names.", "Use the same name in both."},
	{CodeOBNFVOVersion, "nfvo_version is missing, or stated twice.", "State nfvo_version once."},
	{CodeOBPackageLocation, "The VNFD inside a package has a vnfPackageLocation.", "Remove vnfPackageLocation: this package is it."},
	{CodeOBScriptsIgnored, "The package has scripts-link and scripts; the link wins.", "Remove the scripts folder or the link."},
	{CodeOBUpload, "upload is none of true, false and check.", "Use true, false or check."},
	{CodeOBUploadCheck, "upload: check is not available in every release of Open Baton; here the image is uploaded if none of the names or ids is on the VIM.", "Use images: with a URL, or upload: true."},
	{CodeOBVendor, "provider or vendor is missing, or stated twice.", "State provider once."},
	{CodeOBVendorDiffers, "Metadata.yaml and the VNFD have different vendors.", "Use the same vendor in both."},
	{CodeOBVIMTypes, "vim_types is missing, or stated twice.", "State vim_types once."},
	{CodePathCase, "A path is found in the package only when upper and lower case are taken for the same.", "Spell the path as in the archive."},
	{CodePolicyLevel, "A policy is for an instantiation level or a scaling aspect that no policy defines.", "Define the level or aspect, or correct its name."},
	{CodeReferenceDangling, "A requirement, a policy or a function names a node template that is not there.", "Add the node template or correct its name."},
	{CodeFlavourMissing, "No VNF node states the deployment flavour.", "State flavour_id in the VNF node's properties."},
	{CodeTemplateVersion, "The main template does not state its tosca_definitions_version.", "State the version of TOSCA, such as tosca_simple_yaml_1_3."},
	{CodeTemplateForeign, "The main template is written in another language (TOSCA XML, Heat) or has none of TOSCA's keys, and says nothing about images here.", "Nothing, if the package brings no images; else write the template in TOSCA's YAML."},
	{CodeTooManyDeclarations, "The package declares more images or VDUs than can be handled.", "Split the package."},
	{CodeTooManyFindings, "There are more findings than are listed.", "Mend those listed first."},
	{CodeVDUMissing, "The VNFD has no VDU.", "Describe at least one VDU."},
	{CodeVNFDAmbiguous, "Several JSON files could be the VNFD.", "Leave one JSON file outside scripts/ and images/, or call it vnfd.json."},
	{CodeVNFNodeMissing, "A VNFD has VDUs, and no VNF node states its descriptor_id, provider and product name.", "Add the node of the VNF's type with its properties."},
}

// Codes returns the documentation of every code that [Read] emits, in
// alphabetical order. The caller owns the slice.
func Codes() []CodeInfo {
	out := slices.Clone(codeTable)
	slices.SortFunc(out, func(a, b CodeInfo) int { return cmp.Compare(a.Code, b.Code) })
	return out
}
