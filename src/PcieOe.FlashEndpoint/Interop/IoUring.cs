using System.Diagnostics;

namespace PcieOe.FlashEndpoint.Interop;

/// <summary>
/// One io_uring instance, as far as files need it. One thread. Its descriptor is readable while completions wait.
/// The kernel writes the submission head and the completion tail, this side the other two; each is published with release and read with
/// acquire semantics, so that the entries before it are seen whole.
/// </summary>
internal sealed unsafe class IoUring : IDisposable
{
    private readonly int _descriptor;
    private readonly byte* _rings;
    private readonly nuint _ringsBytes;
    private readonly IoUringSubmission* _submissions;
    private readonly nuint _submissionsBytes;
    private readonly uint* _submissionTail;
    private readonly uint _submissionMask;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly IoUringCompletion* _completions;
    private readonly uint _completionMask;
    private uint _localTail;
    private bool _isDisposed;

    private IoUring(int descriptor, in IoUringParameters parameters)
    {
        _descriptor = descriptor;
        IoUringSubmissionOffsets submission = parameters.SubmissionOffsets;
        IoUringCompletionOffsets completion = parameters.CompletionOffsets;
        _ringsBytes = Math.Max(
            submission.Array + (parameters.SubmissionEntries * sizeof(uint)),
            completion.Entries + (parameters.CompletionEntries * (uint)sizeof(IoUringCompletion)));
        _submissionsBytes = parameters.SubmissionEntries * (nuint)sizeof(IoUringSubmission);
        _rings = Map(_ringsBytes, IoUringAbi.MapRingOffset);
        _submissions = (IoUringSubmission*)Map(_submissionsBytes, IoUringAbi.MapEntriesOffset);
        if (_rings is null || _submissions is null)
        {
            return;
        }

        _submissionTail = (uint*)(_rings + submission.Tail);
        _submissionMask = *(uint*)(_rings + submission.RingMask);
        _completionHead = (uint*)(_rings + completion.Head);
        _completionTail = (uint*)(_rings + completion.Tail);
        _completionMask = *(uint*)(_rings + completion.RingMask);
        _completions = (IoUringCompletion*)(_rings + completion.Entries);
        _localTail = *_submissionTail;

        // Entries are used in turn, so that the indirection of the kernel's array never changes.
        uint* array = (uint*)(_rings + submission.Array);
        for (uint i = 0; i < parameters.SubmissionEntries; i++)
        {
            array[i] = i;
        }
    }

    /// <summary>Makes an instance for at most <paramref name="entries"/> requests under way, if the kernel allows it and knows the operations.</summary>
    /// <param name="reason">Why not.</param>
    public static IoUring? TryCreate(int entries, out string reason)
    {
        var parameters = default(IoUringParameters);
        int descriptor = (int)Libc.SystemCall(IoUringAbi.Setup, entries, (nint)(&parameters), 0, 0, 0, 0);
        if (descriptor < 0)
        {
            reason = $"io_uring_setup: {Errno.Describe(Libc.LastError)}";
            return null;
        }

        const uint Features = IoUringAbi.FeatureSingleMap | IoUringAbi.FeatureNoDrop;
        if ((parameters.Features & Features) != Features || !SupportsFiles(descriptor))
        {
            _ = Libc.Close(descriptor);
            reason = "the kernel's io_uring lacks operations on files (Linux 5.6 has them)";
            return null;
        }

        var ring = new IoUring(descriptor, parameters);
        if (ring._rings is null || ring._submissions is null)
        {
            reason = $"mapping the rings: {Errno.Describe(Libc.LastError)}";
            ring.Dispose();
            return null;
        }

        reason = "";
        return ring;
    }

    /// <summary>poll(2) reports it readable while <see cref="HasCompletions"/>.</summary>
    public int Descriptor => _descriptor;

    /// <summary>Added, but not yet taken by the kernel.</summary>
    public int Unsubmitted { get; private set; }

    public bool HasCompletions => *_completionHead != Volatile.Read(ref *_completionTail);

    /// <summary>An empty entry to fill. Never more than the instance was made for may be under way.</summary>
    public ref IoUringSubmission Add()
    {
        Debug.Assert(Unsubmitted <= _submissionMask);
        ref IoUringSubmission entry = ref _submissions[_localTail & _submissionMask];
        entry = default;
        _localTail++;
        Unsubmitted++;
        return ref entry;
    }

    /// <summary>Hands the added entries to the kernel. What it does not take now stays for the next call.</summary>
    public void Submit()
    {
        Volatile.Write(ref *_submissionTail, _localTail);
        while (Unsubmitted > 0)
        {
            // An entry that the kernel refuses ends a call early; its error comes as a completion.
            int taken = (int)Libc.SystemCall(IoUringAbi.Enter, _descriptor, Unsubmitted, 0, 0, 0, 0);
            if (taken <= 0)
            {
                return;
            }

            Unsubmitted -= taken;
        }
    }

    public bool TryTake(out IoUringCompletion completion)
    {
        uint head = *_completionHead;
        if (head == Volatile.Read(ref *_completionTail))
        {
            completion = default;
            return false;
        }

        completion = _completions[head & _completionMask];
        Volatile.Write(ref *_completionHead, head + 1);
        return true;
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        if (_rings is not null)
        {
            _ = Libc.Unmap(_rings, _ringsBytes);
        }

        if (_submissions is not null)
        {
            _ = Libc.Unmap(_submissions, _submissionsBytes);
        }

        _ = Libc.Close(_descriptor);
    }

    private static bool SupportsFiles(int descriptor)
    {
        var probe = default(IoUringProbe);
        return Libc.SystemCall(IoUringAbi.Register, descriptor, (nint)IoUringAbi.RegisterProbe, (nint)(&probe), IoUringProbe.Operations, 0, 0) == 0 &&
            probe.Supports(IoUringAbi.OperationRead) && probe.Supports(IoUringAbi.OperationWrite) &&
            probe.Supports(IoUringAbi.OperationSynchronize) && probe.Supports(IoUringAbi.OperationAllocate);
    }

    private byte* Map(nuint length, long offset)
    {
        void* mapping = Libc.Map(null, length, Libc.ProtectionReadWrite, Libc.MapShared | Libc.MapPopulate, _descriptor, offset);
        return (nint)mapping == -1 ? null : (byte*)mapping;
    }
}
