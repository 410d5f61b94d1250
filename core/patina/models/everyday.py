"""Thirty questions about anything and everything.

A model's vectors of questions have much in common that says nothing about what is asked. Their mean shows what that
is. What these ask about hardly matters; that they are all over the place does.
"""

EVERYDAY_QUESTIONS = (
    "How do I cook rice without burning it?",
    "Where can I find the opening hours of the museum?",
    "What should I wear to a job interview?",
    "How is glass made?",
    "Which countries share a border with Austria?",
    "How do I remove a red wine stain from a carpet?",
    "When was the steam engine invented?",
    "How does a refrigerator keep food cold?",
    "Who wrote the first dictionary?",
    "What happens if I miss a payment on my loan?",
    "How do I teach a dog to sit?",
    "Where does the river begin?",
    "How can I fall asleep faster?",
    "Which bread goes well with soup?",
    "How is a guitar tuned?",
    "What is the difference between a crow and a raven?",
    "How do I repair a flat bicycle tyre?",
    "Can I take a plant on an aeroplane?",
    "Why do leaves turn brown in autumn?",
    "How do I calculate the area of a circle?",
    "What should I do when my phone does not charge?",
    "How many people live in Norway?",
    "How do I write a letter of complaint?",
    "Where are the spare parts for the washing machine sold?",
    "How does the moon cause the tides?",
    "Is it safe to drink rain water?",
    "How do I choose a good melon?",
    "Which muscle is used in climbing?",
    "How do birds find their way?",
    "What does this warning light on my dashboard mean?",
)
