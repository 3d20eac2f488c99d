#include "CWebPage.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// Every file ends in one zero that does not count, so that an absent library is an array too.
static const unsigned char index_html[] = {
#embed "page/index.html" suffix(,)
    0};
static const unsigned char icon_svg[] = {
#embed "page/icon.svg" suffix(,)
    0};
static const unsigned char page_css[] = {
#embed "page/page.css" suffix(,)
    0};
static const unsigned char answers_css[] = {
#embed "page/answers.css" suffix(,)
    0};
static const unsigned char panels_css[] = {
#embed "page/panels.css" suffix(,)
    0};
static const unsigned char theme_js[] = {
#embed "page/theme.js" suffix(,)
    0};
static const unsigned char app_js[] = {
#embed "page/app.js" suffix(,)
    0};
static const unsigned char dom_js[] = {
#embed "page/dom.js" suffix(,)
    0};
static const unsigned char api_js[] = {
#embed "page/api.js" suffix(,)
    0};
static const unsigned char markdown_js[] = {
#embed "page/markdown.js" suffix(,)
    0};
static const unsigned char code_js[] = {
#embed "page/code.js" suffix(,)
    0};
static const unsigned char drawing_js[] = {
#embed "page/drawing.js" suffix(,)
    0};
static const unsigned char mathematics_js[] = {
#embed "page/mathematics.js" suffix(,)
    0};
static const unsigned char tree_js[] = {
#embed "page/tree.js" suffix(,)
    0};
static const unsigned char message_js[] = {
#embed "page/message.js" suffix(,)
    0};
static const unsigned char moderation_js[] = {
#embed "page/moderation.js" suffix(,)
    0};
static const unsigned char opinion_js[] = {
#embed "page/opinion.js" suffix(,)
    0};
static const unsigned char chat_js[] = {
#embed "page/chat.js" suffix(,)
    0};
static const unsigned char list_js[] = {
#embed "page/list.js" suffix(,)
    0};
static const unsigned char settings_js[] = {
#embed "page/settings.js" suffix(,)
    0};
static const unsigned char roles_js[] = {
#embed "page/roles.js" suffix(,)
    0};
static const unsigned char admin_js[] = {
#embed "page/admin.js" suffix(,)
    0};
static const unsigned char charts_js[] = {
#embed "page/charts.js" suffix(,)
    0};
static const unsigned char labelling_js[] = {
#embed "page/labelling.js" suffix(,)
    0};

// From scripts/collect-page-libraries, if it was run.
static const unsigned char libraries_markdown_it_js[] = {
#if __has_embed("page/libraries/markdown-it.js")
#embed "page/libraries/markdown-it.js" suffix(,)
#endif
    0};
static const unsigned char libraries_highlight_js[] = {
#if __has_embed("page/libraries/highlight.js")
#embed "page/libraries/highlight.js" suffix(,)
#endif
    0};
static const unsigned char libraries_katex_js[] = {
#if __has_embed("page/libraries/katex.js")
#embed "page/libraries/katex.js" suffix(,)
#endif
    0};
static const unsigned char libraries_katex_min_css[] = {
#if __has_embed("page/libraries/katex.min.css")
#embed "page/libraries/katex.min.css" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_AMS_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_AMS-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_AMS-Regular.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Caligraphic_Bold_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Caligraphic-Bold.woff2")
#embed "page/libraries/fonts/KaTeX_Caligraphic-Bold.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Caligraphic_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Caligraphic-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_Caligraphic-Regular.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Fraktur_Bold_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Fraktur-Bold.woff2")
#embed "page/libraries/fonts/KaTeX_Fraktur-Bold.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Fraktur_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Fraktur-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_Fraktur-Regular.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Main_Bold_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Main-Bold.woff2")
#embed "page/libraries/fonts/KaTeX_Main-Bold.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Main_BoldItalic_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Main-BoldItalic.woff2")
#embed "page/libraries/fonts/KaTeX_Main-BoldItalic.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Main_Italic_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Main-Italic.woff2")
#embed "page/libraries/fonts/KaTeX_Main-Italic.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Main_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Main-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_Main-Regular.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Math_BoldItalic_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Math-BoldItalic.woff2")
#embed "page/libraries/fonts/KaTeX_Math-BoldItalic.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Math_Italic_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Math-Italic.woff2")
#embed "page/libraries/fonts/KaTeX_Math-Italic.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_SansSerif_Bold_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_SansSerif-Bold.woff2")
#embed "page/libraries/fonts/KaTeX_SansSerif-Bold.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_SansSerif_Italic_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_SansSerif-Italic.woff2")
#embed "page/libraries/fonts/KaTeX_SansSerif-Italic.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_SansSerif_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_SansSerif-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_SansSerif-Regular.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Script_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Script-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_Script-Regular.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Size1_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Size1-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_Size1-Regular.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Size2_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Size2-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_Size2-Regular.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Size3_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Size3-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_Size3-Regular.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Size4_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Size4-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_Size4-Regular.woff2" suffix(,)
#endif
    0};
static const unsigned char libraries_fonts_KaTeX_Typewriter_Regular_woff2[] = {
#if __has_embed("page/libraries/fonts/KaTeX_Typewriter-Regular.woff2")
#embed "page/libraries/fonts/KaTeX_Typewriter-Regular.woff2" suffix(,)
#endif
    0};

static const struct primer_page_file files[] = {
    {"index.html", "text/html; charset=utf-8", index_html, sizeof index_html - 1},
    {"icon.svg", "image/svg+xml", icon_svg, sizeof icon_svg - 1},
    {"page.css", "text/css", page_css, sizeof page_css - 1},
    {"answers.css", "text/css", answers_css, sizeof answers_css - 1},
    {"panels.css", "text/css", panels_css, sizeof panels_css - 1},
    {"theme.js", "text/javascript", theme_js, sizeof theme_js - 1},
    {"app.js", "text/javascript", app_js, sizeof app_js - 1},
    {"dom.js", "text/javascript", dom_js, sizeof dom_js - 1},
    {"api.js", "text/javascript", api_js, sizeof api_js - 1},
    {"markdown.js", "text/javascript", markdown_js, sizeof markdown_js - 1},
    {"code.js", "text/javascript", code_js, sizeof code_js - 1},
    {"drawing.js", "text/javascript", drawing_js, sizeof drawing_js - 1},
    {"mathematics.js", "text/javascript", mathematics_js, sizeof mathematics_js - 1},
    {"tree.js", "text/javascript", tree_js, sizeof tree_js - 1},
    {"message.js", "text/javascript", message_js, sizeof message_js - 1},
    {"moderation.js", "text/javascript", moderation_js, sizeof moderation_js - 1},
    {"opinion.js", "text/javascript", opinion_js, sizeof opinion_js - 1},
    {"chat.js", "text/javascript", chat_js, sizeof chat_js - 1},
    {"list.js", "text/javascript", list_js, sizeof list_js - 1},
    {"settings.js", "text/javascript", settings_js, sizeof settings_js - 1},
    {"roles.js", "text/javascript", roles_js, sizeof roles_js - 1},
    {"admin.js", "text/javascript", admin_js, sizeof admin_js - 1},
    {"charts.js", "text/javascript", charts_js, sizeof charts_js - 1},
    {"labelling.js", "text/javascript", labelling_js, sizeof labelling_js - 1},
    {"libraries/markdown-it.js", "text/javascript", libraries_markdown_it_js, sizeof libraries_markdown_it_js - 1},
    {"libraries/highlight.js", "text/javascript", libraries_highlight_js, sizeof libraries_highlight_js - 1},
    {"libraries/katex.js", "text/javascript", libraries_katex_js, sizeof libraries_katex_js - 1},
    {"libraries/katex.min.css", "text/css", libraries_katex_min_css, sizeof libraries_katex_min_css - 1},
    {"libraries/fonts/KaTeX_AMS-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_AMS_Regular_woff2, sizeof libraries_fonts_KaTeX_AMS_Regular_woff2 - 1},
    {"libraries/fonts/KaTeX_Caligraphic-Bold.woff2", "font/woff2", libraries_fonts_KaTeX_Caligraphic_Bold_woff2, sizeof libraries_fonts_KaTeX_Caligraphic_Bold_woff2 - 1},
    {"libraries/fonts/KaTeX_Caligraphic-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_Caligraphic_Regular_woff2, sizeof libraries_fonts_KaTeX_Caligraphic_Regular_woff2 - 1},
    {"libraries/fonts/KaTeX_Fraktur-Bold.woff2", "font/woff2", libraries_fonts_KaTeX_Fraktur_Bold_woff2, sizeof libraries_fonts_KaTeX_Fraktur_Bold_woff2 - 1},
    {"libraries/fonts/KaTeX_Fraktur-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_Fraktur_Regular_woff2, sizeof libraries_fonts_KaTeX_Fraktur_Regular_woff2 - 1},
    {"libraries/fonts/KaTeX_Main-Bold.woff2", "font/woff2", libraries_fonts_KaTeX_Main_Bold_woff2, sizeof libraries_fonts_KaTeX_Main_Bold_woff2 - 1},
    {"libraries/fonts/KaTeX_Main-BoldItalic.woff2", "font/woff2", libraries_fonts_KaTeX_Main_BoldItalic_woff2, sizeof libraries_fonts_KaTeX_Main_BoldItalic_woff2 - 1},
    {"libraries/fonts/KaTeX_Main-Italic.woff2", "font/woff2", libraries_fonts_KaTeX_Main_Italic_woff2, sizeof libraries_fonts_KaTeX_Main_Italic_woff2 - 1},
    {"libraries/fonts/KaTeX_Main-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_Main_Regular_woff2, sizeof libraries_fonts_KaTeX_Main_Regular_woff2 - 1},
    {"libraries/fonts/KaTeX_Math-BoldItalic.woff2", "font/woff2", libraries_fonts_KaTeX_Math_BoldItalic_woff2, sizeof libraries_fonts_KaTeX_Math_BoldItalic_woff2 - 1},
    {"libraries/fonts/KaTeX_Math-Italic.woff2", "font/woff2", libraries_fonts_KaTeX_Math_Italic_woff2, sizeof libraries_fonts_KaTeX_Math_Italic_woff2 - 1},
    {"libraries/fonts/KaTeX_SansSerif-Bold.woff2", "font/woff2", libraries_fonts_KaTeX_SansSerif_Bold_woff2, sizeof libraries_fonts_KaTeX_SansSerif_Bold_woff2 - 1},
    {"libraries/fonts/KaTeX_SansSerif-Italic.woff2", "font/woff2", libraries_fonts_KaTeX_SansSerif_Italic_woff2, sizeof libraries_fonts_KaTeX_SansSerif_Italic_woff2 - 1},
    {"libraries/fonts/KaTeX_SansSerif-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_SansSerif_Regular_woff2, sizeof libraries_fonts_KaTeX_SansSerif_Regular_woff2 - 1},
    {"libraries/fonts/KaTeX_Script-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_Script_Regular_woff2, sizeof libraries_fonts_KaTeX_Script_Regular_woff2 - 1},
    {"libraries/fonts/KaTeX_Size1-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_Size1_Regular_woff2, sizeof libraries_fonts_KaTeX_Size1_Regular_woff2 - 1},
    {"libraries/fonts/KaTeX_Size2-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_Size2_Regular_woff2, sizeof libraries_fonts_KaTeX_Size2_Regular_woff2 - 1},
    {"libraries/fonts/KaTeX_Size3-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_Size3_Regular_woff2, sizeof libraries_fonts_KaTeX_Size3_Regular_woff2 - 1},
    {"libraries/fonts/KaTeX_Size4-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_Size4_Regular_woff2, sizeof libraries_fonts_KaTeX_Size4_Regular_woff2 - 1},
    {"libraries/fonts/KaTeX_Typewriter-Regular.woff2", "font/woff2", libraries_fonts_KaTeX_Typewriter_Regular_woff2, sizeof libraries_fonts_KaTeX_Typewriter_Regular_woff2 - 1},
};

const struct primer_page_file *primer_page_files(void) { return files; }
size_t primer_page_file_count(void) { return sizeof files / sizeof files[0]; }
