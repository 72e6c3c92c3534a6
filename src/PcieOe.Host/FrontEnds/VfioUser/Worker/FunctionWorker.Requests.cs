using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Wire;
using PcieOe.Host.Interop;
using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser.Worker;

/// <summary>What each request does.</summary>
internal sealed partial class FunctionWorker
{
    /// <summary>False: there is no room for it at the function now; it stays in the ring and is tried again.</summary>
    private bool TryExecute(ReadOnlySpan<byte> record, long now)
    {
        ref readonly FunctionRequest request = ref MemoryMarshal.AsRef<FunctionRequest>(record);
        ReadOnlySpan<byte> data = record[FunctionRequest.Bytes..];
        if (request.Kind is FunctionRequestKind.ReadRegion or FunctionRequestKind.WriteRegion)
        {
            if (_isClientGone)
            {
                return true;
            }

            ForwardDoorbells(now);
            return request.Kind == FunctionRequestKind.ReadRegion ? TryReadRegion(request, now) : TryWriteRegion(request, data, now);
        }

        switch (request.Kind)
        {
            case FunctionRequestKind.Describe:
                _describeContext = request.Context;
                TryDescribe();
                break;
            case FunctionRequestKind.Attach:
                Attach(request.Context);
                break;
            case FunctionRequestKind.Detach:
                Detach(now);
                Answer(request.Kind, request.Context, Errno.None);
                break;
            case FunctionRequestKind.Map:
                Map(request);
                break;
            case FunctionRequestKind.Unmap:
                Answer(request.Kind, request.Context, ToError(_function.Unmap(request.Offset, request.Length)), 0, request.Offset, default, request.Length);
                break;
            case FunctionRequestKind.UnmapAll:
                _function.UnmapAll();
                Answer(request.Kind, request.Context, Errno.None);
                break;
            case FunctionRequestKind.SetEventDescriptors:
            case FunctionRequestKind.TriggerInterrupts:
            case FunctionRequestKind.MaskInterrupts:
            case FunctionRequestKind.UnmaskInterrupts:
                SetInterrupts(request, data);
                Answer(request.Kind, request.Context, Errno.None);
                break;
            case FunctionRequestKind.Reset:
                Reset(request.Context, now);
                break;
            case FunctionRequestKind.DmaReadData:
                _function.CompleteDmaRead(new DmaReadTicket(request.Offset), data, now);
                break;
        }

        return true;
    }

    private void Attach(long context)
    {
        int error = Errno.None;
        try
        {
            _function.Attach(this);
            _isAttached = true;
            ClientMemory.Restart();
            _description!.Doorbells?.Clear();
        }
        catch (InvalidOperationException)
        {
            error = Errno.Busy;
        }

        Answer(FunctionRequestKind.Attach, context, error);
    }

    private void Detach(long now)
    {
        if (_isAttached)
        {
            _isAttached = false;
            _function.Detach(now);
        }

        _isClientGone = false;
        _written = 0;
        _blockedSince = long.MaxValue;
        _reads.Clear();
        _resetContext = FunctionRequest.NoAnswer;
        foreach (InterruptLines lines in _interrupts)
        {
            lines.Clear();
        }
    }

    private unsafe void Map(in FunctionRequest request)
    {
        DmaMapResult result = request.Memory != 0
            ? _function.Map(request.Offset, request.Length, request.Memory, request.Access)
            : _function.Map(request.Offset, request.Length, (IDmaMemory)GCHandle.FromIntPtr(request.Client).Target!, request.Access);
        Answer(FunctionRequestKind.Map, request.Context, ToError(result));
    }

    private void SetInterrupts(in FunctionRequest request, ReadOnlySpan<byte> data)
    {
        InterruptLines lines = _interrupts[request.Index];
        ReadOnlySpan<int> descriptors = request.Kind == FunctionRequestKind.SetEventDescriptors ? MemoryMarshal.Cast<byte, int>(data) : default;
        for (int i = 0; i < (int)request.Length; i++)
        {
            int vector = (int)request.Offset + i;
            if (request.Kind == FunctionRequestKind.SetEventDescriptors)
            {
                lines.SetDescriptor(vector, descriptors[i]);
            }
            else if (data[i] == 0)
            {
                continue;
            }
            else if (request.Kind == FunctionRequestKind.TriggerInterrupts)
            {
                lines.Raise(vector, ClientMemory.WritesRequested, Volatile.Read(ref _writesDone));
            }
            else if (request.Kind == FunctionRequestKind.MaskInterrupts)
            {
                lines.Mask(vector);
            }
            else
            {
                lines.Unmask(vector);
            }
        }
    }

    private void Reset(long context, long now)
    {
        if (_resetContext != FunctionRequest.NoAnswer)
        {
            Answer(FunctionRequestKind.Reset, context, Errno.Busy);
            return;
        }

        _resetContext = context;
        _description!.Doorbells?.Clear();
        _function.StartReset(now);
    }

    private bool TryReadRegion(in FunctionRequest request, long now)
    {
        if (request.Index == RegionIndex.Configuration)
        {
            ReadConfiguration(request);
            return true;
        }

        if (request.Length == 0)
        {
            Answer(request.Kind, request.Context, Errno.None, request.Index, request.Offset);
            return true;
        }

        int slot = -1;
        if (!_reads.IsFull)
        {
            slot = _reads.Add(request.Index, request.Offset, (int)request.Length, request.Context);
            if (_reads.TryStartPiece(slot, _function, now))
            {
                _blockedSince = long.MaxValue;
                return true;
            }
        }

        bool isTooLate = slot >= 0 && HasRunOutOfPatience(now);
        if (isTooLate)
        {
            _reads.Fail(slot);
            Answer(request.Kind, request.Context, Errno.None, request.Index, request.Offset, _reads.Data(slot));
        }

        if (slot >= 0)
        {
            _reads.Remove(slot);
        }

        return isTooLate;
    }

    private void ReadConfiguration(in FunctionRequest request)
    {
        Span<byte> data = stackalloc byte[FunctionDescription.ConfigurationSpaceBytes];
        int length = (int)request.Length;
        int first = (int)request.Offset;
        Span<byte> word = stackalloc byte[sizeof(uint)];
        for (int at = first & ~3; at < first + length; at += sizeof(uint))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(word, _function.ReadConfig(at));
            for (int i = Math.Max(at, first); i < Math.Min(at + sizeof(uint), first + length); i++)
            {
                data[i - first] = word[i - at];
            }
        }

        Answer(request.Kind, request.Context, Errno.None, request.Index, request.Offset, data[..length]);
    }

    /// <summary>A posted write that finds no room for a second is dropped, as on a bus whose device is gone; those behind it are not held up again.</summary>
    private bool TryWriteRegion(in FunctionRequest request, ReadOnlySpan<byte> data, long now)
    {
        bool isConfiguration = request.Index == RegionIndex.Configuration;
        bool isDoorbell = _description!.IsDoorbell(request.Index, request.Offset);
        if (isDoorbell && _blockedSince == long.MaxValue)
        {
            _hops?.OnDoorbell(_function);
        }

        while (_written < data.Length)
        {
            ulong offset = request.Offset + (ulong)_written;
            int piece = isConfiguration ? WriteConfiguration(offset, data[_written..], now) : WriteBar(request.Index, offset, data[_written..], now);
            if (piece == 0)
            {
                if (!HasRunOutOfPatience(now))
                {
                    return false;
                }

                Counters.WritesDropped++;
                break;
            }

            _written += piece;
            _blockedSince = long.MaxValue;
        }

        _written = 0;
        Counters.TrappedDoorbells += isDoorbell ? 1 : 0;

        if (request.Context != FunctionRequest.NoAnswer)
        {
            Answer(request.Kind, request.Context, Errno.None, request.Index, request.Offset, default, request.Length);
        }

        return true;
    }

    private int WriteBar(int bar, ulong offset, ReadOnlySpan<byte> data, long now)
    {
        int length = RegionReads.PieceLength(offset, data.Length);
        return _function.TryWriteRegion(bar, offset, data[..length], now) ? length : 0;
    }

    private int WriteConfiguration(ulong offset, ReadOnlySpan<byte> data, long now)
    {
        int aligned = (int)offset & ~3;
        int skipped = (int)offset - aligned;
        int length = Math.Min(sizeof(uint) - skipped, data.Length);
        Span<byte> word = stackalloc byte[sizeof(uint)];
        word.Clear();
        data[..length].CopyTo(word[skipped..]);
        int enables = ((1 << length) - 1) << skipped;
        return _function.TryWriteConfig(aligned, BinaryPrimitives.ReadUInt32LittleEndian(word), (byte)enables, now) ? length : 0;
    }

    private bool HasRunOutOfPatience(long now)
    {
        _blockedSince = Math.Min(_blockedSince, now);
        return now - _blockedSince >= PatienceNanoseconds;
    }

    private static int ToError(DmaMapResult result) => result switch
    {
        DmaMapResult.Success => Errno.None,
        DmaMapResult.Overlap => Errno.Exists,
        DmaMapResult.NotFound => Errno.NoEntry,
        DmaMapResult.TooMany => Errno.NoSpace,
        _ => Errno.InvalidArgument,
    };
}
