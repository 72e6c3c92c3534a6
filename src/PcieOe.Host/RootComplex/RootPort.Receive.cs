using System.Buffers.Binary;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <content>What comes from the function. All of it is the peer's word: what breaks a rule is counted and dropped, or answered.</content>
internal sealed partial class RootPort
{
    public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
    {
        while (!tlps.IsEmpty)
        {
            if (!TlpView.TryParse(tlps, out TlpView tlp))
            {
                Counters.TlpsMalformed++;
                return;
            }

            tlps = tlps[tlp.TotalBytes..];
            if (TlpRules.Check(tlp, _enumeration.MaximumPayloadBytes) != TlpDefect.None)
            {
                Counters.TlpsMalformed++;
            }
            else if (tlp.Type.IsMemoryWrite)
            {
                OnMemoryWrite(tlp, now);
            }
            else if (tlp.Type.IsMemoryRead)
            {
                OnMemoryRead(tlp, now);
            }
            else if (tlp.Type.IsCompletion)
            {
                OnCompletion(tlp, now);
            }
            else if (tlp.Type.IsMessage)
            {
                Counters.Messages++;
                MessageSink?.OnMessage(tlp, frameNumber, now);
            }
            else
            {
                Counters.UnsupportedRequests++;
                _responder.OnUnsupported(tlp);
            }
        }
    }

    private void OnMemoryRead(in TlpView tlp, long now)
    {
        if (_isBusMaster)
        {
            _responder.OnRead(tlp, now);
        }
        else
        {
            Counters.DmaReadsRefused++;
            _responder.OnUnsupported(tlp);
        }
    }

    private void OnMemoryWrite(in TlpView tlp, long now)
    {
        if (tlp.IsPoisoned)
        {
            Counters.TlpsPoisoned++;
            return;
        }

        ulong address = tlp.Address;
        if (MsixTable.IsMessage(address))
        {
            OnInterrupt(tlp, now);
            return;
        }

        int length = tlp.LengthDoublewords;
        ByteEnables enables = tlp.ByteEnables;
        for (int start = 0; enables.TryNextRun(length, start, out int offset, out int count); start = offset + count)
        {
            WriteMemory(address + (uint)offset, tlp.Payload.Slice(offset, count), now);
        }
    }

    private void WriteMemory(ulong address, ReadOnlySpan<byte> data, long now)
    {
        Counters.DmaWrites++;
        switch (_isBusMaster ? _window.Reach(address, data.Length, DmaAccess.Write) : DmaReach.Refused)
        {
            case DmaReach.Direct:
                _window.Write(address, data);
                Counters.DmaWriteBytes += data.Length;
                break;
            case DmaReach.ThroughClient when _window.Find(address).Client!.TryWrite(address, data, now):
                Counters.DmaWriteBytes += data.Length;
                break;
            case DmaReach.ThroughClient:
                Counters.DmaWritesDropped++;
                break;
            default:
                Counters.DmaWritesRefused++;
                break;
        }
    }

    private void OnInterrupt(in TlpView tlp, long now)
    {
        if (!_isBusMaster || !_msix.TryGetVector(tlp, out int vector))
        {
            Counters.InterruptsUnknown++;
            return;
        }

        Counters.Interrupts++;
        _client?.OnInterrupt(vector, now);
    }

    private void OnCompletion(in TlpView tlp, long now)
    {
        ushort tag = tlp.Tag;
        if (tlp.RequesterId != RequesterId || !_pending.IsPending(tag))
        {
            Counters.CompletionsUnexpected++;
            return;
        }

        ref PendingRequest request = ref _pending[tag];
        switch (request.Kind)
        {
            case RequestKind.RegionRead:
                _reader.OnCompletion(tag, ref request, tlp, now);
                break;
            case RequestKind.Abandoned:
                Counters.CompletionsLate++;
                EndAbandoned(tag, ref request, tlp);
                break;
            default:
                OnConfigCompletion(tag, ref request, tlp);
                break;
        }
    }

    /// <summary>The tag is free once the last completion has come; one that contradicts the request says nothing about that.</summary>
    private void EndAbandoned(ushort tag, ref PendingRequest request, in TlpView tlp)
    {
        if (request.IsWrite || request.Reassembly.Accept(tlp, out _, out _) is ReassemblyResult.Last or ReassemblyResult.Failed)
        {
            _pending.End(tag);
        }
    }

    private void OnConfigCompletion(ushort tag, ref PendingRequest request, in TlpView tlp)
    {
        bool isRead = request.Kind == RequestKind.ConfigRead;
        int offset = request.Argument;
        CompletionStatus status = tlp.CompletionStatus;
        uint value = 0;
        if (isRead && status == CompletionStatus.SuccessfulCompletion)
        {
            if (request.Reassembly.Accept(tlp, out _, out ReadOnlySpan<byte> data) != ReassemblyResult.Last)
            {
                // Its deadline ends it.
                Counters.CompletionsMalformed++;
                return;
            }

            value = BinaryPrimitives.ReadUInt32LittleEndian(data);
        }

        _pending.End(tag);
        if (_enumeration.IsActive)
        {
            _enumeration.OnCompleted(offset, isRead, status, value);
        }
        else if (isRead && status == CompletionStatus.SuccessfulCompletion)
        {
            _shadow.Refresh(offset, value);
        }
    }
}
