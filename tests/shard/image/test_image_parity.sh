#!/bin/sh
# Bit for bit Pillow: decoding, bicubic resize of whole images and boxes, crops, and the recipes' pictures and values (against
# Pillow and numpy). Pillow and numpy come through PyPI into the build folder, once; skips with a reason when they can't be had.
# Images are made here, of every kind that the formats have; with --images N also N real ones of Debian's packages
# tuxpaint-stamps-default, openclipart-png and gnome-backgrounds (320 MB to download, unpacked in the build folder). Before
# Pillow 13 only resizes are compared, in the order of passes of that time.
#     tests/shard/image/test_image_parity.sh BUILD_FOLDER [--images N] [--seed N] [--pillow VERSION] [--speed]
set -u
build=$1
shift
version=$(echo " $* " | sed -n 's/.* --pillow \([^ ]*\) .*/==\1/p')
. "$(dirname "$0")/../../peers.sh"

# unpack PACKAGE: its files under parity/images, once
unpack() {
    [ -e "$images/$1.complete" ] && return
    (cd "$images" && apt-get download "$1" && dpkg -x "$1"_*.deb "$images/$1" && rm "$1"_*.deb) >"$build/parity.log" 2>&1 ||
        skip "apt-get can't download $1: $(tail -n 1 "$build/parity.log")"
    touch "$images/$1.complete"
}

peers "pillow$version" --no-deps "pillow$version" numpy
images=$build/parity/images
mkdir -p "$images"
case " $* " in
*" --images "*)
    for package in tuxpaint-stamps-default openclipart-png gnome-backgrounds; do unpack "$package"; done
    ;;
esac
PYTHONPATH=$packages exec python3 "$(dirname "$0")/image_parity.py" "$build" "$images" "$@"
