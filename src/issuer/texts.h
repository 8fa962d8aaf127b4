/* All that the pages say, in every language that they speak: one line here is one text. {} is
 * where a name goes. A text without one of its languages does not compile. */
#pragma once
#include "base/bytes.h"

#define LANGS(X)    \
	X(EN, "en") \
	X(FR, "fr")

enum lang {
#define X(id, tag) LANG_##id,
	LANGS(X)
#undef X
		LANG_COUNT
};

#define TEXTS(X)                                                                                    \
	X(SIGN_IN, "Sign in", "Connexion")                                                          \
	X(SIGN_IN_DO, "Sign in", "Se connecter")                                                    \
	X(TO_CONTINUE_TO, "to continue to {}", "pour continuer vers {}")                            \
	X(TO_SEE_ACCOUNT, "to see your account", "pour voir votre compte")                          \
	X(USERNAME, "Username", "Identifiant")                                                      \
	X(PASSWORD, "Password", "Mot de passe")                                                     \
	X(PASSWORD_NOTE, "Your password goes to this server alone, never to the application.",      \
	  "Votre mot de passe ne va qu’à ce serveur, jamais à l’application.")                      \
	X(WRONG, "Username or password is wrong.", "Identifiant ou mot de passe incorrect.")        \
	X(GIVE_BOTH, "Please give your username and your password.",                                \
	  "Veuillez indiquer votre identifiant et votre mot de passe.")                             \
	X(STALE_FORM, "This page was open for too long, or in two windows. Please sign in again.",  \
	  "Cette page est restée ouverte trop longtemps, ou dans deux fenêtres. Veuillez vous "   \
	  "reconnecter.")                                                                           \
	X(TOO_OFTEN,                                                                                \
	  "This username was tried too often with a wrong password. Please wait half a minute "     \
	  "and try again.",                                                                         \
	  "Cet identifiant a été essayé trop souvent avec un mauvais mot de passe. Veuillez "    \
	  "attendre une demi-minute et réessayer.")                                                 \
	X(TRY_AGAIN, "Please try again", "Veuillez réessayer")                                      \
	X(TOO_MANY, "Too many people are signing in just now. Please try again in a moment.",       \
	  "Trop de personnes se connectent en ce moment. Veuillez réessayer dans un instant.")      \
	X(BAD_LINK, "This sign-in link does not work", "Ce lien de connexion ne fonctionne pas")    \
	X(BAD_LINK_TEXT, "An application sent you here, and what it asks cannot be done.",          \
	  "Une application vous a envoyé ici, et sa demande ne peut pas être satisfaite.")          \
	X(CANNOT_NOW, "This cannot be done just now. Please try again in a moment.",                \
	  "Cela n’est pas possible pour le moment. Veuillez réessayer dans un instant.")            \
	X(GO_BACK,                                                                                  \
	  "Go back to the application and try again; if this page returns, tell those who run "     \
	  "the application.",                                                                       \
	  "Retournez à l’application et réessayez ; si cette page revient, prévenez ceux qui " \
	  "gèrent l’application.")                                                                  \
	X(REALM, "realm {}", "domaine {}")

enum text_id {
#define X(id, ...) TEXT_##id,
	TEXTS(X)
#undef X
		TEXT_COUNT
};
