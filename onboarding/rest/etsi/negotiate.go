package etsi

import (
	"mime"
	"strconv"
	"strings"
)

// negotiate returns the first of the offered types that the Accept fields of a
// request like best, or nothing if they take none (RFC 9110, section 12.5.1).
func negotiate(accept, offers []string) string {
	ranges := strings.Split(strings.Join(accept, ","), ",")
	best, liked := "", 0.0
	for _, offer := range offers {
		if quality := qualityOf(ranges, offer); quality > liked {
			best, liked = offer, quality
		}
	}
	return best
}

// qualityOf returns how much media ranges like a type, from 0 for not at all to 1.
// Of several that it is in, the most specific one counts.
func qualityOf(ranges []string, offer string) float64 {
	family, _, _ := strings.Cut(offer, "/")
	quality, specific, any := 0.0, 0, false
	for _, r := range ranges {
		if strings.TrimSpace(r) == "" {
			continue
		}
		any = true
		media, parameters, err := mime.ParseMediaType(r)
		if err != nil {
			continue
		}
		how := 0
		switch media {
		case "*/*":
			how = 1
		case family + "/*":
			how = 2
		case offer:
			how = 3
		}
		if how <= specific {
			continue
		}
		specific, quality = how, 1
		if q, ok := parameters["q"]; ok {
			if quality, err = strconv.ParseFloat(q, 64); err != nil || quality < 0 || quality > 1 {
				quality = 0
			}
		}
	}
	if !any {
		return 1 // who says nothing takes everything
	}
	return quality
}
