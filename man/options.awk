# The options of a program, as mdoc, from its own --help, in place of the line
# @OPTIONS@ of its page:   PROGRAM --help | awk -v page=FILE.in -f options.awk
function escape(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	return text ~ /^[.']/ ? "\\&" text : text
}

# "  -d, --dsn DSN               the database", the sentence from column 31 on
/^  (-., |    )--[a-z]/ {
	letter = substr($0, 3, 1) == "-" ? substr($0, 4, 1) : ""
	fits = substr($0, 30, 1) == " " && length($0) > 30
	head = fits ? substr($0, 7, 24) : substr($0, 7)
	sub(/ *$/, "", head)
	name = head
	sub(/ .*/, "", name)
	argument = substr(head, length(name) + 2)
	line[++lines] = ".It " (letter == "" ? "" : "Fl " letter " , ") \
		"Fl " escape(substr(name, 2)) (argument == "" ? "" : " Ar " escape(argument))
	if (fits)
		line[++lines] = escape(substr($0, 31))
	inside = 1
	next
}
inside && substr($0, 1, 30) ~ /^ +$/ {
	line[++lines] = escape(substr($0, 31))
	next
}
{ inside = 0 }

END {
	while ((getline text < page) > 0) {
		if (text != "@OPTIONS@") {
			print text
			continue
		}
		print ".Bl -tag -width Ds"
		for (i = 1; i <= lines; i++)
			print line[i]
		print ".El"
	}
}
