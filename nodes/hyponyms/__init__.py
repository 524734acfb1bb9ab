"""From a picture or a word to its hypernym's hyponyms: classifier, WordNet, hyponyms."""
