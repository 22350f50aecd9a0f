"""Our own vector art: sample a figure, draw it, caption it; `export.render_dataset` writes it all."""
