package tosca

import (
	"iter"
	"strings"
)

// kind is what a node template is to the launch of its VNF.
type kind int

const (
	kindUnknown   kind = iota // neither its name nor its definition tells
	kindOther                 // of the NFV vocabulary, and without an image
	kindCompute               // a VDU: boots an image
	kindStorage               // may bring the image that a VDU boots from
	kindImage                 // a node that is an image
	kindContainer             // a container, which no VIM boots
	kindVNF
	kindNS
	kindPNF
)

// kindOf follows a type's derivation until a name is known. The names of
// SOL001 and its drafts, of TOSCA NFV 1.0, and of the orchestrators' own types
// are known without their definitions, which packages often leave out.
func (s *service) kindOf(typeName string) kind {
	for range 32 {
		k := kindByName(typeName)
		// One in TOSCA's name space that the templates define is an author's own.
		if k != kindUnknown && (k != kindOther || !s.types[typeName].exists()) {
			return k
		}
		typeName = s.typeNode(typeName).key("derived_from").text()
		if typeName == "" {
			break
		}
	}
	return kindUnknown
}

// ancestors iterates over the definitions of a type and of those that it is
// derived from, up to the first that is TOSCA's own: nothing that matters here
// is in those, and their files are large.
func (s *service) ancestors(typeName string) iter.Seq[node] {
	return func(yield func(node) bool) {
		for range 32 {
			if strings.HasPrefix(typeName, "tosca.nodes.") && !s.types[typeName].exists() {
				return
			}
			t := s.typeNode(typeName)
			if !t.exists() || !yield(t) {
				return
			}
			typeName = t.key("derived_from").text()
		}
	}
}

func kindByName(typeName string) kind {
	name := strings.ToLower(typeName)
	last := name[strings.LastIndexAny(name, ".:")+1:]
	nfv := strings.HasPrefix(name, "tosca.nodes.nfv.") || strings.HasPrefix(name, "openbaton.") || strings.HasPrefix(name, "tosca:")
	switch {
	case last == "vdu" || strings.HasSuffix(name, "vdu.compute") || strings.HasSuffix(name, "vdu.tacker") || strings.HasSuffix(name, "nova.server"):
		return kindCompute
	case nfv && strings.HasSuffix(last, "storage") && !strings.Contains(last, "local"):
		return kindStorage
	case strings.HasPrefix(last, "oscontainer"):
		return kindContainer
	case last == "swimage" || last == "imagefile":
		return kindImage
	case nfv && last == "vnf":
		return kindVNF
	case nfv && last == "ns":
		return kindNS
	case nfv && last == "pnf":
		return kindPNF
	case name == "tosca.nodes.root":
		return kindUnknown
	case strings.HasPrefix(name, "tosca.nodes."), nfv:
		return kindOther
	}
	return kindUnknown
}

// isImageType reports whether an artifact's type is a software image: SwImage
// of SOL001, or a type derived from it.
func (s *service) isImageType(typeName string) bool {
	for range 32 {
		if strings.HasSuffix(strings.ToLower(typeName), "swimage") {
			return true
		}
		if typeName == "" || strings.HasPrefix(typeName, "tosca.artifacts.") {
			return false
		}
		typeName = s.typeNode(typeName).key("derived_from").text()
	}
	return false
}

// isVMImageType reports whether an artifact's type is the image of TOSCA's
// Simple Profile and of TOSCA NFV 1.0, whose file is an image's name or URL.
func isVMImageType(typeName string) bool {
	return strings.Contains(strings.ToLower(typeName), "deployment.image")
}
