/*
 * descriptor.h - the three descriptors that every program has
 */
#ifndef COMMON_DESCRIPTOR_H
#define COMMON_DESCRIPTOR_H

/* A standard descriptor that whoever started us has closed must not become a
 * socket of ours: reading it fails, writing it goes nowhere.  Call first. */
void descriptor_keep_standard(void);

#endif
