"""How Sphinx makes the site from what sources.py has laid out. It must be readable from the file system."""

project = "Model Analytics Workbench"
html_title = project
html_theme = "furo"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
# A page that is read from a file can load scripts, and cannot fetch: no excerpts in the results of a search.
html_show_search_summary = False
html_copy_source = False
html_use_index = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}
html_static_path = []
exclude_patterns = []
nitpicky = True
# Outputs and commands that no lexer knows are shown as they are.
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]
