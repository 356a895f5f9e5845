#include "tests/support/bluesky_words.h"

#include <stddef.h>

/* clang-format off */
static const char *const english[] = {
	"the", "to", "and", "I", "a", "of", "is", "in", "it", "you", "that",
	"for", "this", "my", "on", "with", "so", "but", "just", "not", "be",
	"was", "have", "are", "what", "like", "all", "they", "we", "me",
	"people", "today", "time", "good", "love", "know", "work", "think",
	"really", "new", "day", "here's", "don't", "it’s", "I’m", "game",
	"art", "morning", "coffee", "book", "music", "cat", "photo", "week",
	"Bluesky", "snow", "LOL", "\"quoted\"", "50%", "& also", "<3", "c:\\temp",
	"thanks", "naïve", "café", "weather", "again", "home", "finally",
	"tomorrow", "weekend", "podcast", "2025", "history", "election", NULL};

static const char *const japanese[] = {
	"です", "ます", "の", "今日", "は", "に", "が", "を", "と", "も", "ね",
	"よ", "おはよう", "ございます", "仕事", "猫", "写真", "雨", "東京",
	"ありがとう", "かわいい", "面白い", "ブルースカイ", "アニメ", "ゲーム",
	"コーヒー", "エンジニア", "明日", "絵", "描いた", "！", "…", "〜", NULL};

static const char *const portuguese[] = {
	"de", "que", "não", "e", "o", "a", "é", "um", "eu", "com", "pra",
	"uma", "mais", "muito", "já", "você", "hoje", "gente", "amanhã",
	"saudade", "coração", "música", "futebol", "café", "manhã", "bom",
	"dia", "então", "trabalho", "São", "Paulo", "ATENÇÃO", "kkkk", NULL};

static const char *const german[] = {
	"und", "die", "der", "ich", "das", "ist", "nicht", "ein", "es", "zu",
	"den", "mit", "auch", "für", "auf", "heute", "schön", "Straße",
	"STRASSE", "größer", "Grüße", "Kaffee", "Wetter", "über", "Bücher",
	"weiß", "Maßnahmen", "Österreich", "Fußball", "arbeiten", NULL};

static const char *const spanish[] = {
	"de", "que", "la", "no", "el", "y", "en", "es", "me", "un", "lo",
	"por", "con", "los", "mañana", "hoy", "gracias", "¿qué", "niño",
	"año", "AÑO", "corazón", "música", "fútbol", "lluvia", "libro",
	"trabajo", "España", "México", "¡vamos!", NULL};

static const char *const french[] = {
	"de", "la", "le", "et", "les", "c'est", "pas", "je", "est", "l’été",
	"aujourd'hui", "très", "être", "déjà", "français", "cœur", "ŒUVRE",
	"merci", "bonjour", "qu’il", "demain", "fenêtre", "Noël", "où",
	"garçon", "travail", "musique", "photo", NULL};

static const char *const korean[] = {
	"오늘", "진짜", "너무", "나는", "그냥", "사진", "커피", "고양이",
	"내일", "감사합니다", "안녕하세요", "음악", "날씨", "서울", "게임",
	"ㅋㅋㅋ", "사랑", "영화", NULL};

static const char *const russian[] = {
	"и", "в", "не", "на", "я", "что", "это", "как", "сегодня", "утро",
	"ДОБРОЕ", "ещё", "ЕЩЁ", "кофе", "музыка", "погода", "зима", "город",
	"спасибо", "книга", "инженерия", "Москва", "снег", "работа", NULL};

static const char *const turkish[] = {
	"ve", "bir", "bu", "çok", "için", "İstanbul", "istanbul", "ışık",
	"IŞIK", "güzel", "bugün", "yarın", "teşekkürler", "kahve", "şimdi",
	"öğretmen", "değil", "müzik", "ığdır", NULL};

static const char *const greek[] = {
	"και", "το", "να", "η", "ο", "με", "για", "σήμερα", "καλημέρα",
	"ΟΔΟΣ", "οδός", "κόσμος", "ΚΟΣΜΟΣ", "καφές", "μουσική", "φως",
	"Αθήνα", "θάλασσα", NULL};

static const char *const arabic[] = {
	"في", "من", "على", "هذا", "صباح", "الخير", "اليوم", "شكرا", "جميل",
	"موسيقى", "قهوة", "كِتَاب", "١٢٣", "القاهرة", NULL};

static const char *const hindi[] = {
	"है", "के", "में", "और", "नहीं", "आज", "नमस्ते", "बहुत", "काम",
	"किताब", "दिल्ली", "धन्यवाद", "संगीत", "१२३", NULL};

static const char *const chinese[] = {
	"我們", "今天", "的", "是", "不", "了", "台灣", "天氣", "早安", "咖啡",
	"貓", "工程", "喜歡", "電影", "謝謝", "，", "。", NULL};
/* clang-format on */

const struct language word_languages[] = {
	{"en", 520, " ", english},   {"ja", 170, "", japanese},
	{"pt", 90, " ", portuguese}, {"de", 55, " ", german},
	{"es", 45, " ", spanish},    {"fr", 30, " ", french},
	{"ko", 20, " ", korean},     {"ru", 15, " ", russian},
	{"tr", 15, " ", turkish},    {"zh", 10, "", chinese},
	{"el", 10, " ", greek},      {"ar", 10, " ", arabic},
	{"hi", 10, " ", hindi},      {NULL, 0, NULL, NULL},
};

/* clang-format off */
const char *const word_topic[] = {
	"software", "team", "data", "systems", "civil", "platform", "prompt",
	"reliability", "design", "hiring", "culture", "bridge", "manager",
	"the", "of", "and", "for", "is", "we", "our", "at", "to", "in",
	"mechanical", "students", "open-source", "don't", "they’re", "Team",
	"SOFTWARE", "engineer", "engineers", "chemical", "product", "Data",
	"robotics", "interview", "PostgreSQL", "x86", "2025", "c++", "R&D",
	"straße", "STRASSE", "οδός", "ΟΔΟΣ", "İstanbul", "ışık", "naïve",
	"cafe\u0301", "de\u0301ja\u0300", "инженерия", "ИНЖЕНЕРИЯ", "工学",
	"エンジニアリング", "공학", "हिन्दी", "o'clock", "l’ingénierie", "Größe",
	"snake_case", "camelCase", "100%", "a", "x", "é", "Ⅷ", "½", NULL};

const char *const word_disguise[] = {
	/* the word */
	"engineering", "Engineering", "ENGINEERING", "#engineering",
	"engineering's", "engineering’s", "engineering-led",
	"software_engineering", "eNgInEeRiNg", "(engineering)", "engineering.",
	"“engineering”", "😀engineering😀", "re-engineering", "engineering/design",
	"engineering\u0301", "engineering—", "¡engineering!",
	/* not the word */
	"reengineering", "bioengineering", "engineerings", "engineering2",
	"4engineering", "éngineering", "engineeringé", "工学engineering",
	"engineering工学", "engineering٣", "ENGİNEERİNG", "engineeringς",
	"engineer", "engi-neering", "ｅngineering",
	/* not in the text once URLs and mentions are out */
	"https://example.com/engineering", "HTTPS://Engineering.example.org",
	"http://example.com/?q=engineering&x=1", "www.engineering.example",
	"engineering.example.org/jobs...", "@engineering.example.org",
	"@engineering", "https://example.social/@engineering/1",
	"jobs@engineering.example", NULL};
/* clang-format on */

const char *const word_emoji[] = {"😀",  "🎉",        "❤️", "👩‍💻",
				  "🇧🇷", "👍🏽", "✨",      NULL};
