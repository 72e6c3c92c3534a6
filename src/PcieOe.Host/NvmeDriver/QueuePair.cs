using System.Runtime.InteropServices;
using PcieOe.Host.Hops;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>
/// A submission and a completion queue (NVMe 1.4, section 4.1). Entries are written to host memory; where the submission queue lies in the
/// controller's memory they are posted there, as many at once as came together, followed by one doorbell in the same frame.
/// </summary>
internal sealed unsafe class QueuePair
{
    private const int PostBytes = IRemoteFunction.MaximumRegionAccessBytes;

    /// <summary>Sampled entries that may wait for their doorbell; more are not sampled.</summary>
    private const int MaximumSamples = 64;

    private readonly IRemoteFunction _function;
    private readonly HopSampler? _hops;
    private readonly (int Entry, uint Sample)[] _samples;
    private readonly SubmissionEntry* _submission;
    private readonly CompletionEntry* _completion;
    private int _tail;
    private int _postedTail;
    private int _rungTail;
    private int _head;
    private int _completionHead;
    private int _unrungCompletions;
    private int _sampleCount;
    private bool _phase = true;

    /// <param name="entries">The most that it will have; the completion queue is given twice as many.</param>
    public QueuePair(IRemoteFunction function, DmaPool pool, int id, int entries, HopSampler? hops)
    {
        _function = function;
        _hops = hops;
        _samples = hops is null ? [] : new (int, uint)[MaximumSamples];
        Id = id;
        int submissionBytes = entries * SubmissionEntry.SizeBytes;
        int completionBytes = 2 * entries * CompletionEntry.SizeBytes;
        if (!pool.TryAllocate(submissionBytes, out nint submission) || !pool.TryAllocate(completionBytes, out nint completion))
        {
            throw new InsufficientMemoryException($"The driver's pool of {pool.Bytes} bytes has no room for a queue of {entries} entries.");
        }

        _submission = (SubmissionEntry*)submission;
        _completion = (CompletionEntry*)completion;
        SubmissionAddress = pool.BusAddress(submission);
        CompletionAddress = pool.BusAddress(completion);
    }

    public int Id { get; }

    /// <summary>Where the queues lie in host memory, as the device sees it.</summary>
    public ulong SubmissionAddress { get; }

    public ulong CompletionAddress { get; }

    public int Entries { get; private set; }

    public int CompletionEntries { get; private set; }

    /// <summary>Where the submission queue lies in the controller's memory; none: in host memory.</summary>
    public RegionPlace? ControllerPlace { get; private set; }

    public bool HasRoom => Next(_tail, Entries) != _head;

    private int SubmissionDoorbell { get; set; }

    private int CompletionDoorbell { get; set; }

    /// <summary>Starts afresh, as the controller does when the queues are created.</summary>
    /// <param name="entries">At most what it was made for.</param>
    public void Reset(int entries, int completionEntries, RegionPlace? controllerPlace, int doorbellStrideExponent)
    {
        Entries = entries;
        CompletionEntries = completionEntries;
        ControllerPlace = controllerPlace;
        SubmissionDoorbell = NvmeRegister.SubmissionDoorbell(Id, doorbellStrideExponent);
        CompletionDoorbell = NvmeRegister.CompletionDoorbell(Id, doorbellStrideExponent);
        _tail = _postedTail = _rungTail = _head = _completionHead = _unrungCompletions = 0;
        _sampleCount = 0;
        _phase = true;
        new Span<CompletionEntry>(_completion, CompletionEntries).Clear();
    }

    /// <summary>The next entry, zeroed, to be filled. The caller has seen that there <see cref="HasRoom"/>.</summary>
    public ref SubmissionEntry Add()
    {
        ref SubmissionEntry entry = ref _submission[_tail];
        entry = default;
        _tail = Next(_tail, Entries);
        return ref entry;
    }

    /// <summary>Takes back the entry that was added last.</summary>
    public void Undo() => _tail = _tail == 0 ? Entries - 1 : _tail - 1;

    /// <summary>The entry added last is to be timed.</summary>
    public void OnSampleAdded(uint sample)
    {
        if (_sampleCount < _samples.Length)
        {
            _samples[_sampleCount++] = (_tail == 0 ? Entries - 1 : _tail - 1, sample);
        }
    }

    /// <summary>Posts new entries and rings. False: the lane's queue is full, try again.</summary>
    public bool TryPost(long now)
    {
        if (_tail == _rungTail)
        {
            return _unrungCompletions == 0 || _unrungCompletions < CompletionEntries / 4 || TryRingCompletions(now);
        }

        // In the shadow of the other doorbell this one costs no frame of its own.
        if (_unrungCompletions > 0 && !TryRingCompletions(now))
        {
            return false;
        }

        if (ControllerPlace is { } place && !TryPostEntries(place, now))
        {
            return false;
        }

        if (_sampleCount > 0 && !TryRingSamples(now))
        {
            return false;
        }

        return _tail == _rungTail || TryRingTail(_tail, now);
    }

    /// <summary>Takes the next completion that has come.</summary>
    public bool TryTakeCompletion(out CompletionEntry entry)
    {
        ref CompletionEntry next = ref _completion[_completionHead];
        ushort status = Volatile.Read(ref next.StatusField);
        if ((status & CompletionEntry.PhaseBit) != 0 != _phase)
        {
            entry = default;
            return false;
        }

        entry = next;
        _completionHead = Next(_completionHead, CompletionEntries);
        _phase ^= _completionHead == 0;
        _unrungCompletions++;
        if (entry.SubmissionQueueHead < Entries)
        {
            _head = entry.SubmissionQueueHead;
        }

        return true;
    }

    private bool TryPostEntries(RegionPlace place, long now)
    {
        while (_postedTail != _tail)
        {
            int end = _tail > _postedTail ? _tail : Entries;
            ulong offset = place.Offset + (ulong)(_postedTail * SubmissionEntry.SizeBytes);
            int room = (PostBytes - (int)(offset % PostBytes)) / SubmissionEntry.SizeBytes;
            int count = Math.Min(end - _postedTail, room);
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<SubmissionEntry>(_submission + _postedTail, count));
            if (!_function.TryWriteRegion(place.Bar, offset, bytes, now))
            {
                return false;
            }

            _postedTail = (_postedTail + count) % Entries;
        }

        return true;
    }

    /// <summary>A doorbell for each sampled entry alone, so that what the target says of the doorbell is said of that command.</summary>
    private bool TryRingSamples(long now)
    {
        for (int i = 0; i < _sampleCount; i++)
        {
            (int entry, uint sample) = _samples[i];
            if (entry != _rungTail && !TryRingTail(entry, now))
            {
                ForgetSamples(i);
                return false;
            }

            if (!_hops!.TryPost(sample, _function) || !TryRingTail(Next(entry, Entries), now))
            {
                // The lane is full. What is rung later goes without stamps.
                ForgetSamples(_sampleCount);
                return false;
            }
        }

        _sampleCount = 0;
        return true;
    }

    private void ForgetSamples(int count)
    {
        _sampleCount -= count;
        Array.Copy(_samples, count, _samples, 0, _sampleCount);
    }

    private bool TryRingTail(int tail, long now)
    {
        if (!TryRing(SubmissionDoorbell, tail, now))
        {
            return false;
        }

        _rungTail = tail;
        return true;
    }

    private bool TryRingCompletions(long now)
    {
        if (!TryRing(CompletionDoorbell, _completionHead, now))
        {
            return false;
        }

        _unrungCompletions = 0;
        return true;
    }

    private bool TryRing(int doorbell, int value, long now) =>
        _function.TryWriteRegion(bar: 0, (ulong)doorbell, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)), now);

    private static int Next(int index, int count) => index + 1 == count ? 0 : index + 1;
}
