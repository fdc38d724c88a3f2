//! Recipes, verified downloads, the content-addressed cache, and the steps that build a runtime.
