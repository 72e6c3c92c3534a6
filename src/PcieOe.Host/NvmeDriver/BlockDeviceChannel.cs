using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.Rings;
using PcieOe.Host.Hops;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>
/// A client's own way to a <see cref="BlockDevice"/>: one thread submits and takes completions here, the worker sees to the rest.
/// Commands and completions go through a ring each, of which one thread is the only writer and the other the only reader; what else the
/// two share are flags that only ever rise.
/// </summary>
public sealed class BlockDeviceChannel : IDisposable
{
    private readonly RecordRing _commands;
    private readonly RecordRing _completions;
    private readonly SleepSignal _signal = new();
    private readonly Action _wakeWorker;
    private readonly HopSampler? _hops;
    private readonly (uint Id, long SubmittedAt)[] _samples;
    private readonly ulong[] _contexts;
    private readonly int[] _freeSlots;
    private int _freeCount;
    private int _underWay;
    private int _sinceSample;
    private bool _mustWakeClient;
    private volatile bool _isClosing;
    private volatile bool _isDetached;

    /// <param name="hops">Stamps one command in so many; null: none.</param>
    internal BlockDeviceChannel(int depth, Action wakeWorker, HopSampler? hops)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        _wakeWorker = wakeWorker;
        _hops = hops;
        _samples = new (uint, long)[depth];
        _commands = new RecordRing(RingBytes<BlockCommand>(depth));
        _completions = new RecordRing(RingBytes<BlockCompletion>(depth));
        _contexts = new ulong[depth];
        _freeSlots = new int[depth];
        for (int slot = depth - 1; slot >= 0; slot--)
        {
            _freeSlots[_freeCount++] = slot;
        }

        Depth = depth;
    }

    /// <summary>Commands that may be under way at a time.</summary>
    public int Depth { get; }

    /// <summary>For the client: commands submitted whose completion it has not taken yet.</summary>
    public int UnderWay => _underWay;

    /// <summary>The worker has let go: nothing more comes, and commands that have no completion yet never get one.</summary>
    public bool IsDetached => _isDetached;

    /// <summary>For the client: readable after <see cref="PrepareToSleep"/> when a completion has come or the device let go.</summary>
    public int WakeUpDescriptor => _signal.Descriptor;

    /// <summary>For the client: submits a command. False: <see cref="Depth"/> are under way, or the channel is closed. What is no valid command ends with <see cref="NvmeStatus.InvalidField"/>.</summary>
    public bool TrySubmit(in BlockCommand command)
    {
        if (_underWay == Depth || _isClosing || _isDetached || !_commands.TryReserve(Unsafe.SizeOf<BlockCommand>(), out Span<byte> record))
        {
            return false;
        }

        ref BlockCommand written = ref MemoryMarshal.AsRef<BlockCommand>(record);
        written = command;
        written.SubmittedAt = 0;
        if (_hops is not null && _hops.Every != 0 && ++_sinceSample >= _hops.Every)
        {
            _sinceSample = 0;
            written.SubmittedAt = _hops.Now();
        }

        _commands.Commit();
        _underWay++;
        return true;
    }

    /// <summary>For the client: after the last of several submissions.</summary>
    public void Flush() => _wakeWorker();

    /// <summary>For the client: the next completion, if one has come.</summary>
    public bool TryTakeCompletion(out BlockCompletion completion)
    {
        if (!_completions.TryPeek(out Span<byte> record))
        {
            completion = default;
            return false;
        }

        completion = MemoryMarshal.Read<BlockCompletion>(record);
        _completions.Release();
        _underWay--;
        return true;
    }

    /// <summary>For the client: says that it is going to wait for <see cref="WakeUpDescriptor"/>. It must look for completions once more before it does.</summary>
    public void PrepareToSleep() => _signal.PrepareToSleep();

    /// <summary>For the client: it goes on, whether it slept or not.</summary>
    public void Awake() => _signal.Awake();

    /// <summary>For the client: nothing more will be submitted. The worker lets go when the commands under way have ended.</summary>
    public void Close()
    {
        _isClosing = true;
        _wakeWorker();
    }

    /// <summary>Frees the rings. Only once <see cref="IsDetached"/>.</summary>
    public void Dispose()
    {
        if (!_isDetached)
        {
            throw new InvalidOperationException("The worker still uses the channel: close it and wait until it is detached.");
        }

        _commands.Dispose();
        _completions.Dispose();
        _signal.Dispose();
    }

    // From here on: the worker's side.

    /// <summary>Nothing is to be done for the client any more.</summary>
    internal bool IsFinished => _isClosing && _freeCount == Depth && _commands.IsEmpty;

    internal bool IsEmpty => _commands.IsEmpty;

    /// <summary>The oldest command that waits. It stays there until <see cref="Take"/>.</summary>
    internal bool TryPeek(out BlockCommand command)
    {
        if (_freeCount == 0 || !_commands.TryPeek(out Span<byte> record))
        {
            command = default;
            return false;
        }

        command = MemoryMarshal.Read<BlockCommand>(record);
        return true;
    }

    /// <summary>The slot that the command which waits first is going to have.</summary>
    internal int NextSlot => _freeSlots[_freeCount - 1];

    /// <summary>Takes the command that waits first into <see cref="NextSlot"/>.</summary>
    internal void Take(ulong context, uint sample, long submittedAt)
    {
        _samples[NextSlot] = (sample, submittedAt);
        _contexts[_freeSlots[--_freeCount]] = context;
        _commands.Release();
    }

    internal void Complete(int slot, NvmeStatus status)
    {
        _freeSlots[_freeCount++] = slot;
        Answer(_contexts[slot], status);
        if (_samples[slot].Id != 0)
        {
            _hops!.End(_samples[slot].Id, _samples[slot].SubmittedAt);
        }
    }

    /// <summary>Ends the command that waits first without doing it.</summary>
    internal void Refuse(ulong context, NvmeStatus status)
    {
        _commands.Release();
        Answer(context, status);
    }

    /// <summary>At the end of a round: one signal for all of its completions.</summary>
    internal void WakeClient()
    {
        if (_mustWakeClient)
        {
            _mustWakeClient = false;
            _signal.Wake();
        }
    }

    internal void Detach()
    {
        _isDetached = true;
        _signal.WakeAlways();
    }

    private void Answer(ulong context, NvmeStatus status)
    {
        // There is room for as many as can be under way.
        if (!_completions.TryReserve(Unsafe.SizeOf<BlockCompletion>(), out Span<byte> record))
        {
            throw new InvalidOperationException("More commands were under way than the channel allows.");
        }

        BlockCompletion completion = new(context, status);
        MemoryMarshal.Write(record, in completion);
        _completions.Commit();
        _mustWakeClient = true;
    }

    /// <summary>Room for so many records with their headers, and for what is skipped at the ring's end.</summary>
    private static int RingBytes<T>(int depth) => Math.Max(4096, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)((Unsafe.SizeOf<T>() + 16) * (depth + 1))));
}
