#!/bin/bash
# Draws a CSV with a header as bars of text: its last column is the length, the
# others are the label.   bars.sh [-n ROWS] [-t] FILE
#   -n ROWS   so many rows (default 10)   -t   the last ones, not the first
set -euo pipefail
export LC_ALL=C.UTF-8

rows=10
from='head'
while getopts n:t option; do
	case $option in
	n) rows=$OPTARG ;;
	t) from='tail' ;;
	*) exit 1 ;;
	esac
done
shift $((OPTIND - 1))
file=${1:?usage: bars.sh [-n ROWS] [-t] FILE}
width=$(tput cols 2>/dev/null || echo 80)
[ "$width" -le 100 ] || width=100

IFS= read -r header <"$file"
echo "$file: ${header//,/, }"

labels=() values=()
longest=0 most=0
while IFS= read -r line; do
	label=${line%,*} value=${line##*,}
	label=${label//,/ }
	labels+=("$label")
	values+=("$value")
	((${#label} <= longest)) || longest=${#label}
	((value <= most)) || most=$value
done < <(tail -n +2 "$file" | $from -n "$rows")
if [ ${#labels[@]} -eq 0 ]; then
	echo "  (nothing yet)"
	exit 0
fi

room=$((width - longest - ${#most} - 5))
((room >= 10)) || room=10
for i in "${!labels[@]}"; do
	pad=$((longest - ${#labels[i]}))
	# eighths of a character, at least one
	eighths=$((values[i] * room * 8 / (most > 0 ? most : 1)))
	((eighths > 0)) || eighths=1
	printf -v bar '%*s' $((eighths / 8)) ''
	bar=${bar// /█}
	parts=('' ▏ ▎ ▍ ▌ ▋ ▊ ▉)
	printf '  %*s%s %s%s %s\n' "$pad" '' "${labels[i]}" "$bar" \
		"${parts[eighths % 8]}" "${values[i]}"
done
