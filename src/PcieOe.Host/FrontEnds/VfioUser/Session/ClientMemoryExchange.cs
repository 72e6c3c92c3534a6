using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Socket;
using PcieOe.Host.FrontEnds.VfioUser.Wire;

namespace PcieOe.Host.FrontEnds.VfioUser.Session;

/// <summary>
/// DMA_READ and DMA_WRITE under way at the client. Replies may come in any order; how many writes are done counts from the first on, so
/// that an interrupt that waits for the n-th waits for all before it. A client that never answers stops only its own.
/// </summary>
internal sealed class ClientMemoryExchange(RecordRing requests, MessageSender sender)
{
    private const int Capacity = 64;

    private readonly Access[] _accesses = new Access[Capacity];
    private ushort _lastId;
    private long _writesSent;
    private ulong _doneAhead;

    /// <summary>Writes acknowledged, counted without gaps from the first.</summary>
    public long WritesDone { get; private set; }

    public long ReadsSent { get; private set; }

    /// <summary>Whether a request of the worker's can be sent now.</summary>
    public bool CanSend => !requests.IsEmpty && HasPlace && sender.WaitingBytes < ClientSession.MaximumWaitingBytes;

    private bool HasPlace => _accesses[(ushort)(_lastId + 1) % Capacity].Command == 0 && _writesSent - WritesDone < Capacity;

    /// <summary>Sends what the worker wants of the client. True: there was something.</summary>
    public bool Send()
    {
        bool sent = false;
        while (CanSend && requests.TryPeek(out Span<byte> record))
        {
            ref readonly ClientMemoryRequest request = ref MemoryMarshal.AsRef<ClientMemoryRequest>(record);
            bool isWrite = request.IsWrite != 0;
            Start(request, isWrite ? record[ClientMemoryRequest.Bytes..] : default, isWrite);
            requests.Release();
            sent = true;
        }

        return sent;
    }

    /// <summary>Takes a reply of the client's. False: nobody asked for it.</summary>
    /// <param name="data">What was read; empty if it failed.</param>
    public bool TryTakeReply(in MessageHeader header, ReadOnlySpan<byte> payload, out ClientAccessEnd ended, out ReadOnlySpan<byte> data)
    {
        ref Access access = ref _accesses[header.Id % Capacity];
        ended = default;
        data = default;
        if (access.Command == 0 || access.Id != header.Id || access.Command != header.Command)
        {
            return false;
        }

        bool succeeded = (header.Flags & MessageHeader.ErrorFlag) == 0 && payload.Length >= DmaAccessMessage.Bytes
            && MemoryMarshal.Read<DmaAccessMessage>(payload).Count == access.Length;
        if (access.Command == Command.DmaWrite)
        {
            AcknowledgeWrite(access.Number);
            ended = new ClientAccessEnd(false, 0, succeeded);
        }
        else
        {
            succeeded &= (ulong)(payload.Length - DmaAccessMessage.Bytes) == access.Length;
            ended = new ClientAccessEnd(true, access.Ticket, succeeded);
            data = succeeded ? payload[DmaAccessMessage.Bytes..] : default;
        }

        access.Command = 0;
        return true;
    }

    private void Start(in ClientMemoryRequest request, ReadOnlySpan<byte> data, bool isWrite)
    {
        ref Access access = ref _accesses[++_lastId % Capacity];
        access = new Access
        {
            Id = _lastId,
            Command = isWrite ? Command.DmaWrite : Command.DmaRead,
            Length = request.Length,
            Ticket = request.Ticket,
            Number = isWrite ? ++_writesSent : 0,
        };
        ReadsSent += isWrite ? 0 : 1;
        int bytes = MessageHeader.Bytes + DmaAccessMessage.Bytes + data.Length;
        Span<byte> message = sender.Reserve(bytes);
        MemoryMarshal.Write(message, new MessageHeader { Id = _lastId, Command = access.Command, Size = (uint)bytes });
        MemoryMarshal.Write(message[MessageHeader.Bytes..], new DmaAccessMessage { Address = request.Address, Count = request.Length });
        data.CopyTo(message[(MessageHeader.Bytes + DmaAccessMessage.Bytes)..]);
        sender.Commit();
    }

    /// <summary>Writes after the first that is open are kept as bits, counted from it.</summary>
    private void AcknowledgeWrite(long number)
    {
        _doneAhead |= 1UL << (int)(number - WritesDone - 1);
        int whole = System.Numerics.BitOperations.TrailingZeroCount(~_doneAhead);
        WritesDone += whole;
        _doneAhead = whole == 64 ? 0 : _doneAhead >> whole;
    }

    private struct Access
    {
        public ushort Id;
        public Command Command;
        public ulong Length;
        public ulong Ticket;
        public long Number;
    }
}

/// <summary>A DMA request that the client has replied to.</summary>
internal readonly record struct ClientAccessEnd(bool IsRead, ulong Ticket, bool Succeeded);
