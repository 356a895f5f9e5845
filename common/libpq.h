/*
 * libpq.h - libpq, loaded when it is first needed
 *
 * libpq brings OpenSSL, Kerberos, LDAP and GnuTLS with it: loading them takes
 * longer than all else that a run does which finds nothing new (6 of its 17 ms
 * where that was measured).  Such a run can do without (pg_once.h), so the
 * programs are not linked with libpq; include this in place of libpq-fe.h, and
 * call its functions as ever.
 */
#ifndef COMMON_LIBPQ_H
#define COMMON_LIBPQ_H

#include <libpq-fe.h>

#define LIBPQ_FUNCTIONS(X)                                                     \
	X(PQbackendPID)                                                        \
	X(PQcancel)                                                            \
	X(PQclear)                                                             \
	X(PQcmdStatus)                                                         \
	X(PQconnectPoll)                                                       \
	X(PQconnectStartParams)                                                \
	X(PQconnectionNeedsPassword)                                           \
	X(PQconninfoFree)                                                      \
	X(PQconninfoParse)                                                     \
	X(PQconsumeInput)                                                      \
	X(PQdb)                                                                \
	X(PQerrorMessage)                                                      \
	X(PQescapeIdentifier)                                                  \
	X(PQescapeLiteral)                                                     \
	X(PQfinish)                                                            \
	X(PQflush)                                                             \
	X(PQfname)                                                             \
	X(PQfreeCancel)                                                        \
	X(PQfreemem)                                                           \
	X(PQgetCancel)                                                         \
	X(PQgetCopyData)                                                       \
	X(PQgetResult)                                                         \
	X(PQgetisnull)                                                         \
	X(PQgetvalue)                                                          \
	X(PQhost)                                                              \
	X(PQhostaddr)                                                          \
	X(PQisBusy)                                                            \
	X(PQlibVersion)                                                        \
	X(PQnfields)                                                           \
	X(PQnotifies)                                                          \
	X(PQntuples)                                                           \
	X(PQparameterStatus)                                                   \
	X(PQport)                                                              \
	X(PQputCopyData)                                                       \
	X(PQputCopyEnd)                                                        \
	X(PQresultErrorField)                                                  \
	X(PQresultStatus)                                                      \
	X(PQsendQuery)                                                         \
	X(PQsendQueryParams)                                                   \
	X(PQserverVersion)                                                     \
	X(PQsetErrorVerbosity)                                                 \
	X(PQsetNoticeReceiver)                                                 \
	X(PQsetnonblocking)                                                    \
	X(PQsocket)                                                            \
	X(PQstatus)                                                            \
	X(PQtransactionStatus)                                                 \
	X(PQunescapeBytea)                                                     \
	X(PQuser)

struct libpq {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): it declares a name */
#define LIBPQ_POINTER(function) __typeof__(function) *function;
	LIBPQ_FUNCTIONS(LIBPQ_POINTER)
#undef LIBPQ_POINTER
};

/* NULL until it is loaded. */
extern const struct libpq *_Atomic libpq_loaded;

/* Loads it; a machine without it ends the program with a sentence. */
const struct libpq *libpq_load(void);

static inline const struct libpq *libpq(void)
{
	const struct libpq *loaded = libpq_loaded;

	return loaded ? loaded : libpq_load();
}

#define PQbackendPID              libpq()->PQbackendPID
#define PQcancel                  libpq()->PQcancel
#define PQclear                   libpq()->PQclear
#define PQcmdStatus               libpq()->PQcmdStatus
#define PQconnectPoll             libpq()->PQconnectPoll
#define PQconnectStartParams      libpq()->PQconnectStartParams
#define PQconnectionNeedsPassword libpq()->PQconnectionNeedsPassword
#define PQconninfoFree            libpq()->PQconninfoFree
#define PQconninfoParse           libpq()->PQconninfoParse
#define PQconsumeInput            libpq()->PQconsumeInput
#define PQdb                      libpq()->PQdb
#define PQerrorMessage            libpq()->PQerrorMessage
#define PQescapeIdentifier        libpq()->PQescapeIdentifier
#define PQescapeLiteral           libpq()->PQescapeLiteral
#define PQfinish                  libpq()->PQfinish
#define PQflush                   libpq()->PQflush
#define PQfname                   libpq()->PQfname
#define PQfreeCancel              libpq()->PQfreeCancel
#define PQfreemem                 libpq()->PQfreemem
#define PQgetCancel               libpq()->PQgetCancel
#define PQgetCopyData             libpq()->PQgetCopyData
#define PQgetResult               libpq()->PQgetResult
#define PQgetisnull               libpq()->PQgetisnull
#define PQgetvalue                libpq()->PQgetvalue
#define PQhost                    libpq()->PQhost
#define PQhostaddr                libpq()->PQhostaddr
#define PQisBusy                  libpq()->PQisBusy
#define PQlibVersion              libpq()->PQlibVersion
#define PQnfields                 libpq()->PQnfields
#define PQnotifies                libpq()->PQnotifies
#define PQntuples                 libpq()->PQntuples
#define PQparameterStatus         libpq()->PQparameterStatus
#define PQport                    libpq()->PQport
#define PQputCopyData             libpq()->PQputCopyData
#define PQputCopyEnd              libpq()->PQputCopyEnd
#define PQresultErrorField        libpq()->PQresultErrorField
#define PQresultStatus            libpq()->PQresultStatus
#define PQsendQuery               libpq()->PQsendQuery
#define PQsendQueryParams         libpq()->PQsendQueryParams
#define PQserverVersion           libpq()->PQserverVersion
#define PQsetErrorVerbosity       libpq()->PQsetErrorVerbosity
#define PQsetNoticeReceiver       libpq()->PQsetNoticeReceiver
#define PQsetnonblocking          libpq()->PQsetnonblocking
#define PQsocket                  libpq()->PQsocket
#define PQstatus                  libpq()->PQstatus
#define PQtransactionStatus       libpq()->PQtransactionStatus
#define PQunescapeBytea           libpq()->PQunescapeBytea
#define PQuser                    libpq()->PQuser

#endif
