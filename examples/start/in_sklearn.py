"""Two classes with scikit-learn: models compared by a loss."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import scale

import lossary.sklearn

x, y = load_breast_cancer(return_X_y=True)
scorer = lossary.sklearn.scorer("binary_crossentropy")
for model in (LogisticRegression(), GaussianNB()):
    scores = cross_val_score(model, scale(x), y, scoring=scorer)  # minus the loss: of scores the largest is the best
    print(f"{type(model).__name__}: loss {-scores.mean():.3f}")
