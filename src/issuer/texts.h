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
	X(TOO_OFTEN, "Too many wrong passwords. Please wait {} and try again.",                     \
	  "Trop de mots de passe incorrects. Veuillez patienter {} puis réessayer.")                \
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
	X(CONSENT, "Allow access?", "Autoriser l’accès ?")                                          \
	X(CONSENT_ASKS, "{} would like to:", "{} souhaite :")                                       \
	X(SIGNED_IN_AS, "You are signed in as {}.", "Vous êtes connecté en tant que {}.")           \
	X(ABOUT_APP, "About this application", "À propos de cette application")                     \
	X(LEADS_TO, "You will go back to {}.", "Vous retournerez vers {}.")                         \
	X(ALLOW, "Allow", "Autoriser")                                                              \
	X(DENY, "Do not allow", "Refuser")                                                          \
	X(OTHER_ACCOUNT, "Use another account", "Utiliser un autre compte")                         \
	X(CONTINUE_AS, "Continue as {}", "Continuer en tant que {}")                                \
	X(CHOOSE, "Choose an account", "Choisir un compte")                                         \
	X(TAKE_BACK, "You can take this back at any time on ",                                      \
	  "Vous pouvez revenir sur ce choix à tout moment sur ")                                    \
	X(YOUR_ACCOUNT_PAGE, "your account page", "la page de votre compte")                        \
	X(STALE_PAGE, "This page was open for too long. Please look again.",                        \
	  "Cette page est restée ouverte trop longtemps. Veuillez vérifier à nouveau.")             \
	X(ACCOUNT, "Your account", "Votre compte")                                                  \
	X(SESSIONS, "Where you are signed in", "Où vous êtes connecté")                             \
	X(THIS_BROWSER, "this browser", "ce navigateur")                                            \
	X(UNKNOWN_BROWSER, "Unknown browser", "Navigateur inconnu")                                 \
	X(SIGNED_IN_AT, "Signed in {}", "Connexion : {}")                                           \
	X(LAST_SEEN, "last used {}", "dernière utilisation : {}")                                   \
	X(END_SESSION, "Sign out there", "Déconnecter")                                             \
	X(END_OTHERS, "Sign out everywhere else", "Déconnecter partout ailleurs")                   \
	X(APPS, "Applications with access", "Applications autorisées")                              \
	X(NO_APPS, "No application has access to your account.",                                    \
	  "Aucune application n’a accès à votre compte.")                                           \
	X(SINCE, "Since {}", "Depuis : {}")                                                         \
	X(FORGET_APP, "Take access away", "Retirer l’accès")                                        \
	X(MORE, "There are more. Those appear when some of these are gone.",                        \
	  "Il y en a d’autres. Ils apparaîtront quand certains de ceux-ci auront disparu.")         \
	X(SIGN_OUT, "Sign out", "Déconnexion")                                                      \
	X(SIGN_OUT_DO, "Sign out", "Se déconnecter")                                                \
	X(SIGN_OUT_ASK, "Do you want to sign out here?", "Voulez-vous vous déconnecter ici ?")      \
	X(SIGN_OUT_APP, "{} would like to sign you out.", "{} souhaite vous déconnecter.")          \
	X(STAY, "Stay signed in", "Rester connecté")                                                \
	X(SIGNED_OUT, "You are signed out", "Vous êtes déconnecté")                                 \
	X(SIGNED_OUT_TEXT,                                                                          \
	  "Your session in this browser has ended. Applications may keep you signed in on their "   \
	  "side.",                                                                                  \
	  "Votre session dans ce navigateur est terminée. Des applications peuvent vous garder "   \
	  "connecté de leur côté.")                                                                 \
	X(SCOPE_OPENID, "Know which account of this server is yours",                               \
	  "Savoir quel compte de ce serveur est le vôtre")                                          \
	X(SCOPE_PROFILE, "See your name and your username", "Voir votre nom et votre identifiant")  \
	X(SCOPE_EMAIL, "See your e-mail address", "Voir votre adresse e-mail")                      \
	X(SCOPE_OFFLINE, "Keep this access while you are away, until you take it away",             \
	  "Garder cet accès en votre absence, jusqu’à ce que vous le retiriez")                     \
	X(SCOPE_MAIL_READ, "Read your mail", "Lire vos e-mails")                                    \
	X(SCOPE_MAIL_SEND, "Send mail in your name", "Envoyer des e-mails en votre nom")            \
	X(SCOPE_OTHER, "Use its permission {}", "Utiliser sa permission {}")                        \
	X(DEVICE, "Connect a device", "Connecter un appareil")                                      \
	X(DEVICE_CODE, "The code that the device shows", "Le code que l’appareil affiche")          \
	X(DEVICE_NEXT, "Continue", "Continuer")                                                     \
	X(DEVICE_UNKNOWN,                                                                           \
	  "There is no such code here, or it is used or too old. Look at the device again, or "     \
	  "start anew there.",                                                                      \
	  "Ce code n’existe pas ici, ou il est déjà utilisé ou trop ancien. Vérifiez "        \
	  "l’appareil, ou recommencez là-bas.")                                                     \
	X(DEVICE_TOO_OFTEN, "Too many codes were tried. Please wait half a minute and try again.",  \
	  "Trop de codes ont été essayés. Veuillez attendre une demi-minute et "                 \
	  "réessayer.")                                                                             \
	X(DEVICE_SAME, "Does your device show this code?",                                          \
	  "Votre appareil affiche-t-il ce code ?")                                                  \
	X(DEVICE_ASKS, "There, {} would like to:", "Là-bas, {} souhaite :")                         \
	X(DEVICE_WARNING,                                                                           \
	  "Only allow this if you have begun it yourself, just now, on a device in front of "       \
	  "you. If somebody sent you this link or this code, do not allow it: they would get "      \
	  "into your account.",                                                                     \
	  "N’autorisez que si vous venez de le demander vous-même, sur un appareil "             \
	  "devant vous. Si quelqu’un vous a envoyé ce lien ou ce code, refusez : il "            \
	  "entrerait dans votre compte.")                                                           \
	X(DEVICE_IN, "The device is connected", "L’appareil est connecté")                          \
	X(DEVICE_IN_TEXT, "You can close this page and go back to the device.",                     \
	  "Vous pouvez fermer cette page et revenir à l’appareil.")                                 \
	X(DEVICE_OUT, "The device is not connected", "L’appareil n’est pas connecté")               \
	X(DEVICE_OUT_TEXT, "Nothing was allowed. You can close this page.",                         \
	  "Rien n’a été autorisé. Vous pouvez fermer cette page.")                                  \
	X(REALM, "realm {}", "domaine {}")

enum text_id {
#define X(id, ...) TEXT_##id,
	TEXTS(X)
#undef X
		TEXT_COUNT
};
